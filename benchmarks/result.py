"""What a benchmark finds, and whether that is what was promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """One figure with its target.

    Attributes:
        what: What was measured.
        value: The measured figure.
        unit: Unit of `value`; `times` for a ratio against the reference.
        target: What it must reach.
        at_least: It must be `target` or more; else `target` or less.
        ours: What Silencio took, for people.
        reference: What it is held against, for people.
        details: Everything else that was measured.
        bundle: `version` and `manifest_sha256` of the bundle that was measured; None where none had to do with it.
    """

    what: str
    value: float
    unit: str
    target: float
    at_least: bool
    ours: str
    reference: str
    details: Mapping[str, Any] = field(default_factory=dict)
    bundle: Mapping[str, str] | None = None

    @property
    def met(self) -> bool:
        """Whether the target is reached; a figure that is no number reaches nothing."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    @property
    def promise(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.target:g} {self.unit}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "met": self.met}
