"""What `silencio dashboard` hands to the page's process, as text and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DashboardArguments:
    """What the page shows.

    Attributes:
        data: The source of recordings.
        bundle: Folder of the bundle that predicts; None: no predictions.
        log: Place of a prediction log; None: none is shown.
    """

    data: str
    bundle: Path | None = None
    log: str | None = None

    def to_words(self) -> list[str]:
        """As the page's own command line."""
        return [self.data, "" if self.bundle is None else str(self.bundle), self.log or ""]

    @classmethod
    def of_words(cls, words: Sequence[str]) -> DashboardArguments:
        """The inverse of `to_words`."""
        data, bundle, log = words
        return cls(data, Path(bundle) if bundle else None, log or None)
