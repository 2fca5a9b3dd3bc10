"""What was measured of a model: all that gates may look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from silencio.evaluation.calibration_error import CalibrationError
from silencio.evaluation.comparisons import CHAMPION, Comparison
from silencio.evaluation.results import Evaluation
from silencio.evaluation.slices import SliceMetrics


@dataclass(frozen=True)
class Evidence:
    """Measurements of one model. What was not measured is empty or None, and a gate that asks for it is not passed.

    Attributes:
        metrics: Metrics on the test recordings, by name.
        soundscape_metrics: Metrics on the annotated soundscapes, by name; empty where none were scored.
        calibration: Error of the most probable species on test recordings; None where it was not computed.
        comparisons: Comparisons with references, heads and champion, paired by recording.
        slices: Parts of the test recordings, with their change against the champion.
        champion: The champion's version; empty where there is none.
        failure_modes: What becomes of the metrics under noise, overlap, gain and silence.
        mislabelled: Whether wrong labels would be found among validation recordings, and which are suspected.
    """

    metrics: Mapping[str, float | None] = field(default_factory=dict)
    soundscape_metrics: Mapping[str, float | None] = field(default_factory=dict)
    calibration: CalibrationError | None = None
    comparisons: Sequence[Comparison] = ()
    slices: Sequence[SliceMetrics] = ()
    champion: str = ""
    failure_modes: Mapping[str, Any] = field(default_factory=dict)
    mislabelled: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, evaluation: Evaluation) -> Evidence:
        """Of an evaluated bundle."""
        return cls(
            metrics={name: one for name, one in evaluation.metrics.to_dict().items() if isinstance(one, int | float)},
            soundscape_metrics=evaluation.soundscapes.get("metrics") or {},
            calibration=evaluation.calibration_error,
            comparisons=evaluation.comparisons,
            slices=evaluation.slices,
            champion=evaluation.champion,
            failure_modes=evaluation.failure_modes,
            mislabelled=evaluation.mislabelled,
        )

    @property
    def has_champion(self) -> bool:
        """Whether there is one, compared or not."""
        return bool(self.champion) or any(entry.other == CHAMPION for entry in self.comparisons)

    def compared(self, other: str, name: str) -> Comparison | None:
        """The comparison with another model in one metric, the last where there are several; None: it was not made."""
        found = [entry for entry in self.comparisons if (entry.other, entry.metric) == (other, name)]
        return found[-1] if found else None
