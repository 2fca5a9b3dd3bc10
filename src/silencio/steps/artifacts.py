"""Artifacts of KFP, as steps take them: a component's body has no branch, so what may be missing is checked here."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Artifact(Protocol):
    """What of `kfp.dsl.Artifact` is read; the library knows no kfp."""

    @property
    def path(self) -> str:
        """Where its file or folder lies on this machine."""
        ...


def path_if_given(artifact: Artifact | None) -> Path | None:
    """The path of an optional input; None where the graph has nothing for it."""
    return None if artifact is None else Path(artifact.path)
