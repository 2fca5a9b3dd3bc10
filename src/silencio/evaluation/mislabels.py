"""Mislabelled recordings: labels that a model not trained on them doubts, and whether such doubts find errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from silencio.errors import DataError
from silencio.evaluation.plain import plain
from silencio.taxonomy import ClassList

# Another class is ten times as probable as the label.
DOUBTED = 1.0
_MIN_PROBABILITY = 1e-4
_SUSPECT_COLUMNS = (
    "recording_id",
    "label",
    "suggested",
    "label_probability",
    "suggested_probability",
    "doubt",
    "is_doubted",
)


@dataclass(frozen=True)
class LabelDoubts:
    """How far a model contradicts labels.

    Attributes:
        other: Position of the class that it would rather give, int (n_recordings,).
        doubt: log10 of how many times as probable that class is as the label, (n_recordings,); below 0 where the label
            is the most probable.
        is_doubted: `doubt` is at least 1, bool (n_recordings,).
    """

    other: NDArray[np.intp]
    doubt: NDArray[np.float64]
    is_doubted: NDArray[np.bool_]


@dataclass(frozen=True)
class MislabelMetrics:
    """Whether wrong labels are found, when some are put in on purpose.

    Labels that were wrong before count as right, so the true metrics are a little better.

    Attributes:
        precision: Share of the doubted recordings whose label was swapped; not a number where none was doubted.
        recall: Share of the swapped labels that are doubted.
        precision_at_n: Share of swapped ones among the n greatest doubts, n being how many were swapped.
        auc: Chance that a swapped recording is doubted more than one that was not.
        share: Share of the labels that is swapped.
        n_swapped: Number of swapped labels in one repeat.
        n_recordings: Number of recordings in all.
        n_repeats: Number of repeats over which the metrics are means.
    """

    precision: float
    recall: float
    precision_at_n: float
    auc: float
    share: float
    n_swapped: int
    n_recordings: int
    n_repeats: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dict(plain(asdict(self)))


def label_doubts(
    scores: NDArray[np.floating], labels: NDArray[np.integer], present: NDArray[np.bool_] | None = None
) -> LabelDoubts:
    """Hold labels against scores of models that were not trained on these recordings.

    As in confident learning (Northcutt, Jiang and Chuang 2021, JAIR 70) recordings are ranked by the label's
    probability against the best other one, here by their ratio: on a reserve's recordings, with one label of ten
    swapped, the difference had an AUC of .85 to .88 and the ratio .92 to .93. Its thresholds by class are left out:
    with one to four recordings a species they are luck (precision .19 against .37, at equal recall).

    Args:
        scores: Out-of-fold or validation scores of recordings, (n_recordings, n_classes).
        labels: Position of each primary label, (n_recordings,).
        present: Further labels of a recording (secondary ones), which are no alternative, bool, as `scores`.
    """
    at = np.arange(len(labels))
    others = np.array(scores, np.float64)
    if present is not None:
        others[present] = -np.inf
    others[at, labels] = -np.inf
    other = others.argmax(axis=1)
    own, best = (np.maximum(values, _MIN_PROBABILITY) for values in (scores[at, labels], others[at, other]))
    doubt = np.log10(best / own)
    return LabelDoubts(other, doubt, doubt >= DOUBTED)


def suspects(
    scores: NDArray[np.floating],
    labels: NDArray[np.integer],
    classes: ClassList,
    n: int = 20,
    recording_ids: Sequence[str] | None = None,
    present: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """The recordings whose labels somebody should listen to, the most doubtful first.

    Args:
        scores: See `label_doubts`.
        labels: See `label_doubts`.
        classes: What the columns mean.
        n: Most that are listed; only those where another class is more probable than the label are.
        recording_ids: Their names; without them, their positions.
        present: See `label_doubts`.

    Returns:
        `recording_id`, `label`, `suggested`, `label_probability`, `suggested_probability`, `doubt`, `is_doubted`.
    """
    doubts = label_doubts(scores, labels, present)
    order = [i for i in np.argsort(-doubts.doubt, kind="stable")[:n] if doubts.doubt[i] > 0]
    return pd.DataFrame(
        [
            (
                str(i) if recording_ids is None else recording_ids[i],
                classes.codes[labels[i]],
                classes.codes[doubts.other[i]],
                float(scores[i, labels[i]]),
                float(scores[i, doubts.other[i]]),
                float(doubts.doubt[i]),
                bool(doubts.is_doubted[i]),
            )
            for i in order
        ],
        columns=_SUSPECT_COLUMNS,
    )


def swap_labels(
    labels: NDArray[np.integer], share: float, rng: np.random.Generator
) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
    """Give a share of recordings the label of another recording, of another class: wrong labels as frequent as right.

    Returns:
        The labels, and which of them were swapped. At least one is.

    Raises:
        DataError: All recordings have one label.
    """
    if len(np.unique(labels)) < 2:
        raise DataError("labels can only be swapped where there are two of them")
    swapped = labels.copy()
    chosen = rng.permutation(len(labels))[: max(1, round(share * len(labels)))]
    for i in chosen:
        swapped[i] = rng.choice(labels[labels != labels[i]])
    is_swapped = np.zeros(len(labels), bool)
    is_swapped[chosen] = True
    return swapped, is_swapped


def find_swapped(
    scores: NDArray[np.floating],
    labels: NDArray[np.integer],
    share: float = 0.1,
    n_repeats: int = 20,
    seed: int = 0,
    present: NDArray[np.bool_] | None = None,
) -> MislabelMetrics:
    """Swap labels and see whether they are found.

    The scores stay: the models were trained on other recordings, whose labels are as they are. So this shows how well a
    wrong label among few is found, not what wrong labels in training do to the model.

    Args:
        scores: See `label_doubts`.
        labels: See `label_doubts`.
        share: Share of recordings whose label is swapped.
        n_repeats: Number of repeats with other recordings each time; the metrics are means.
        seed: Seed of the draws.
        present: See `label_doubts`.
    """
    rows = []
    n_swapped = 0
    for repeat in range(n_repeats):
        given, is_swapped = swap_labels(labels, share, np.random.default_rng((seed, repeat)))
        doubts = label_doubts(scores, given, present)
        n_swapped, n_doubted = int(is_swapped.sum()), int(doubts.is_doubted.sum())
        found = int((doubts.is_doubted & is_swapped).sum())
        first = np.argsort(-doubts.doubt, kind="stable")[:n_swapped]
        rows.append(
            [
                found / n_doubted if n_doubted else np.nan,
                found / n_swapped,
                is_swapped[first].mean(),
                roc_auc_score(is_swapped, doubts.doubt) if n_swapped < len(labels) else np.nan,
            ]
        )
    metrics = np.array(rows)
    precision = metrics[np.isfinite(metrics[:, 0]), 0]
    return MislabelMetrics(
        precision=float(precision.mean()) if len(precision) else float("nan"),
        recall=float(metrics[:, 1].mean()),
        precision_at_n=float(metrics[:, 2].mean()),
        auc=float(metrics[:, 3].mean()),
        share=share,
        n_swapped=n_swapped,
        n_recordings=len(labels),
        n_repeats=n_repeats,
    )
