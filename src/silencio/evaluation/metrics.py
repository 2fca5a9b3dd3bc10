"""Figures over recordings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from silencio.taxonomy import ClassList


@dataclass(frozen=True)
class Metrics:
    """How well scores name species.

    Attributes:
        macro_map: Mean over the species that occur of their average precision; a rare one counts as much as a
            frequent one.
        top1: Share of recordings whose highest score is their primary label.
        n_recordings: Judged.
        n_species: That occur among them, as primary or secondary label.
        by_class: The same by taxon class (`macro_map`, `top1`, `n_recordings`, `n_species`).
    """

    macro_map: float
    top1: float
    n_recordings: int
    n_species: int
    by_class: dict[str, dict[str, float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return asdict(self)


def judge(
    scores: NDArray[np.floating], target: NDArray[np.floating], primary: Iterable[str], classes: ClassList
) -> Metrics:
    """Compute all figures.

    Args:
        scores: (n_recordings, n_classes).
        target: Multi-label, 0 or 1, (n_recordings, n_classes).
        primary: Primary label of each recording.
        classes: What the columns mean.
    """
    truth = np.array([classes.index[code] for code in primary])
    hit = scores.argmax(axis=1) == truth
    precision = average_precisions(scores, target)
    taxon = np.array([species.class_name for species in classes], dtype=object)
    by_class = {}
    for name in sorted(set(taxon[truth])):
        of_class, rows = taxon == name, taxon[truth] == name
        by_class[name] = {
            "macro_map": _mean(precision[of_class]),
            "top1": float(hit[rows].mean()),
            "n_recordings": int(rows.sum()),
            "n_species": int(np.isfinite(precision[of_class]).sum()),
        }
    return Metrics(_mean(precision), float(hit.mean()), len(truth), int(np.isfinite(precision).sum()), by_class)


def average_precisions(scores: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """Average precision of each class; not a number where the class does not occur. Shape (n_classes,)."""
    values = np.full(target.shape[1], np.nan)
    for column in np.flatnonzero(target.any(axis=0)):
        values[column] = average_precision_score(target[:, column] > 0, scores[:, column])
    return values


def _mean(values: NDArray[np.float64]) -> float:
    present = values[np.isfinite(values)]
    return float(present.mean()) if len(present) else float("nan")
