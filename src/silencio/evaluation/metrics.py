"""Metrics over recordings.

scikit-learn is imported where it is used: it takes a second, and every step that reads a configuration comes by here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from silencio.taxonomy import ClassList

# BirdCLEF 2023's metric adds as many rows in which every species is present and found.
PADDING_ROWS = 5


@dataclass(frozen=True)
class Metrics:
    """How well scores name species. docs/evaluation.md explains when to look at which.

    Attributes:
        macro_map: Mean over the species that occur of their average precision; a rare one counts as much as a
            frequent one.
        top1: Share of recordings whose highest score is their primary label.
        n_recordings: Number of recordings.
        n_species: Number of species that occur among them, as primary or secondary label.
        top5: Share of recordings whose primary label is among the five highest scores.
        padded_cmap: BirdCLEF 2023's padded mean average precision over all classes of the list: a species without
            recordings counts, and five padding rows keep single recordings from deciding.
        macro_roc_auc: BirdCLEF 2024's and 2025's metric: mean ROC-AUC of the species that occur.
        micro_f1: F1 of all (recording, species) decisions together, at the decision thresholds.
        coverage: Share of the species that occur which were the highest score, rightly, at least once.
        label_frequency_distance: How far the shares in which species are named stand from those in which they
            occur: half the sum of absolute differences, 0 equal, 1 disjoint. A model that names one favourite
            scores high here.
        by_class: The same by taxon class (`macro_map`, `top1`, `n_recordings`, `n_species`).
        intervals: The 95 % bootstrap interval over recordings by metric; empty where none was drawn.
    """

    macro_map: float
    top1: float
    n_recordings: int
    n_species: int
    top5: float
    padded_cmap: float
    macro_roc_auc: float
    micro_f1: float
    coverage: float
    label_frequency_distance: float
    by_class: dict[str, dict[str, float]] = field(default_factory=dict)
    intervals: dict[str, list[float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return asdict(self)


def compute_metrics(
    scores: NDArray[np.floating],
    target: NDArray[np.floating],
    primary: Iterable[str],
    classes: ClassList,
    *,
    named: NDArray[np.bool_] | None = None,
) -> Metrics:
    """Compute all metrics.

    Args:
        scores: (n_recordings, n_classes).
        target: Multi-label, 0 or 1, (n_recordings, n_classes).
        primary: Primary label of each recording.
        classes: What the columns mean.
        named: Which species the thresholds let pass in each recording, (n_recordings, n_classes); without it,
            those whose score is at least 0.5.
    """
    from sklearn.metrics import f1_score

    truth = np.array([classes.index[code] for code in primary], dtype=int)
    best = scores.argmax(axis=1)
    hit = best == truth
    precision = average_precisions(scores, target)
    taxon = np.array([species.class_name for species in classes], dtype=object)
    by_class = {}
    for name in sorted(set(taxon[truth])):
        of_class, rows = taxon == name, taxon[truth] == name
        by_class[name] = {
            "macro_map": mean_of_present(precision[of_class]),
            "top1": float(hit[rows].mean()),
            "n_recordings": int(rows.sum()),
            "n_species": int(np.isfinite(precision[of_class]).sum()),
        }
    return Metrics(
        macro_map=mean_of_present(precision),
        top1=float(hit.mean()),
        n_recordings=len(truth),
        n_species=int(np.isfinite(precision).sum()),
        top5=float(_in_top(scores, truth, 5).mean()),
        padded_cmap=padded_cmap(scores, target),
        macro_roc_auc=mean_of_present(roc_aucs(scores, target)),
        micro_f1=float(f1_score(target > 0, scores >= 0.5 if named is None else named, average="micro")),
        coverage=len(set(best[hit])) / len(set(truth)),
        label_frequency_distance=_frequency_distance(best, truth, len(classes)),
        by_class=by_class,
    )


def average_precisions(scores: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """Average precision of each class; not a number where the class does not occur. Shape (n_classes,)."""
    from sklearn.metrics import average_precision_score

    values = np.full(target.shape[1], np.nan)
    for column in np.flatnonzero(target.any(axis=0)):
        values[column] = average_precision_score(target[:, column] > 0, scores[:, column])
    return values


def roc_aucs(scores: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """ROC-AUC of each class; not a number where it occurs nowhere or everywhere. Shape (n_classes,)."""
    from sklearn.metrics import roc_auc_score

    values = np.full(target.shape[1], np.nan)
    occurs = target > 0
    for column in np.flatnonzero(occurs.any(axis=0) & ~occurs.all(axis=0)):
        values[column] = roc_auc_score(occurs[:, column], scores[:, column])
    return values


def padded_cmap(
    scores: NDArray[np.floating], target: NDArray[np.floating], n_padding_rows: int = PADDING_ROWS
) -> float:
    """Class-wise mean average precision after rows in which every species is present and found are added.

    Source: the metric of the BirdCLEF 2023 competition.
    """
    ones = np.ones((n_padding_rows, scores.shape[1]))
    return mean_of_present(average_precisions(np.vstack([scores, ones]), np.vstack([target, ones])))


def mean_of_present(values: NDArray[np.float64]) -> float:
    """Mean of the classes that have a value; not a number where none has."""
    present = values[np.isfinite(values)]
    return float(present.mean()) if len(present) else float("nan")


def _in_top(scores: NDArray[np.floating], truth: NDArray[np.integer], n: int) -> NDArray[np.bool_]:
    own = scores[np.arange(len(truth)), truth]
    # Equal scores are chance: all of them stand before the right one.
    rank = (scores >= own[:, None]).sum(axis=1)
    return np.asarray(rank <= n, dtype=bool)


def _frequency_distance(best: NDArray[np.integer], truth: NDArray[np.integer], n_classes: int) -> float:
    named_counts, occurs = np.bincount(best, minlength=n_classes), np.bincount(truth, minlength=n_classes)
    return float(np.abs(named_counts - occurs).sum() / (2 * len(truth)))
