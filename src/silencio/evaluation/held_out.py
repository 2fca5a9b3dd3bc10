"""The verdict's metrics: everything that is computed from scores of the test recordings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from silencio.audio import audio_statistics
from silencio.data.shards import ShardSet, targets
from silencio.evaluation.bootstrap import Bootstrap, interval, interval_around
from silencio.evaluation.calibration import reliability
from silencio.evaluation.calibration_error import calibration_error
from silencio.evaluation.champion import ChampionScores
from silencio.evaluation.champion_family import ChampionFamily
from silencio.evaluation.comparisons import CHAMPION, PairedDifference, compare
from silencio.evaluation.metrics import Metrics, compute_metrics
from silencio.evaluation.results import ENSEMBLE, Evaluation
from silencio.evaluation.slices import SliceConfig, evaluate_slices, slice_masks, species_table
from silencio.features import FrontEnd
from silencio.taxonomy import ClassList

_CURVE_POINTS = 200


@dataclass(frozen=True)
class EvaluationData:
    """The recordings of an evaluation.

    Attributes:
        training: Training recordings: references are fitted on them, and slices need their species.
        test: Test recordings, on which everything is evaluated.
        classes: The ordered class list.
        fold: Fold of each recording, (n_recordings,), where both are all of them (`cross_fit`): what evaluates it was
            made without. None: they are different recordings.
    """

    training: ShardSet
    test: ShardSet
    classes: ClassList
    fold: NDArray[np.integer] | None = None

    def by_fold(self) -> Iterator[tuple[NDArray[np.bool_], ShardSet]]:
        """Which test recordings are evaluated together, (n_recordings,), and what was trained on before."""
        if self.fold is None:
            yield np.ones(len(self.test), bool), self.training
            return
        for number in np.unique(self.fold):
            own = self.fold == number
            yield own, self.training.subset(~own)


@dataclass(frozen=True)
class Predictions:
    """What models predict for the test recordings.

    Attributes:
        scores: Recording scores (n_recordings, n_classes) by model, the bundle first.
        uncalibrated: The bundle's scores before calibration, of the same shape.
        named: Whether the species passes the bundle's threshold, bool of the same shape.
        champion: The champion's predictions; None where there is none.
        bundle: Name of the bundle's row among the scores: `ensemble` or `student`.
        confusable_without: Pairs of species that the other folds take for each other, by fold; of `cross_fit`.
    """

    scores: Mapping[str, NDArray[np.floating]]
    uncalibrated: NDArray[np.floating]
    named: NDArray[np.bool_]
    champion: ChampionScores | None = None
    bundle: str = ENSEMBLE
    confusable_without: Sequence[Sequence[tuple[str, str]]] = ()


def evaluate_test_set(
    predictions: Predictions,
    data: EvaluationData,
    confusable: Sequence[tuple[str, str]],
    slices: SliceConfig,
    n_resamples: int,
) -> Evaluation:
    """Compute every metric of predictions for the test recordings.

    Args:
        predictions: Predictions of the bundle, and of what it is compared with.
        data: The recordings.
        confusable: Pairs of species that validation takes for each other.
        slices: Bounds of the slices.
        n_resamples: Number of bootstrap resamples.
    """
    scores, named, champion, bundle = predictions.scores, predictions.named, predictions.champion, predictions.bundle
    classes = data.classes
    table = data.test.table.assign(snr_db=_snr_db(data.test))
    target = targets(table, classes.index)
    truth = np.array([classes.index[code] for code in table["primary_label"]])
    bootstrap = Bootstrap(len(table), n_resamples)
    ours = scores[bundle]
    rows = {
        name: _metrics(one, target, truth, bootstrap, classes, named if name == bundle else None)
        for name, one in scores.items()
    }
    comparisons = [
        entry
        for name, one in scores.items()
        if name != bundle
        for entry in compare(name, ours, one, target, truth, bootstrap)
    ]
    champion_rows, hit_of_champion, against_champion = {}, None, None
    if champion is not None:
        fair = champion.fair
        if fair.any():
            # Species that it cannot name are no advantage over it, as its primary labels are none.
            known = target if champion.known is None else target * champion.known
            common = known[fair], truth[fair], bootstrap.of(fair)
            against_champion = PairedDifference.of(ours[fair], champion.scores[fair], *common)
            champion_rows = {
                CHAMPION: _metrics(champion.scores[fair], *common, classes),
                bundle: _metrics(ours[fair], *common, classes, named[fair]),
            }
        hit_of_champion = np.where(champion.fair, champion.scores.argmax(axis=1) == truth, np.nan)
    masks = _masks(table, data, predictions.confusable_without or [confusable], slices)
    evaluated = evaluate_slices(masks, ours, target, truth, bootstrap, slices, hit_of_champion)
    if champion is not None and against_champion is not None:
        family = ChampionFamily(against_champion, bootstrap, champion.fair, masks)
        of_champion, evaluated = family.with_bounds(evaluated)
        comparisons += of_champion
    return Evaluation(
        rows=rows,
        answers=_answers(table, ours, classes),
        comparisons=comparisons,
        slices=evaluated,
        species=species_table(ours, target, truth, classes).to_dict("records"),  # type: ignore[arg-type]
        confusable=[list(pair) for pair in confusable],
        calibration=_calibration(predictions.uncalibrated, ours, truth),
        curve=_curve(ours, target, named),
        champion="" if champion is None else champion.version,
        champion_rows=champion_rows,
        bundle_row=bundle,
        test_set=name_test_set(table),
        n_folds=0 if data.fold is None else len(np.unique(data.fold)),
    )


def _masks(
    table: pd.DataFrame, data: EvaluationData, confusable: Sequence[Sequence[tuple[str, str]]], slices: SliceConfig
) -> dict[str, NDArray[np.bool_]]:
    """As `slice_masks`, each recording by what was trained and found without its fold."""
    masks: dict[str, NDArray[np.bool_]] = {}
    for (own, training), pairs in zip(data.by_fold(), confusable, strict=True):
        found = slice_masks(table[own], training.table, pairs, data.classes, slices)
        for name, mask in found.items():
            masks.setdefault(name, np.zeros(len(table), bool))[own] = mask
    return masks


def name_test_set(table: pd.DataFrame) -> str:
    """Names recordings and what they are labelled as, 12 hex digits: whether metrics can be compared.

    Args:
        table: Recordings with `recording_id`, `primary_label`, `secondary_labels`, and `sha256` where that is known.
    """
    known = table["recording_id"]
    if "sha256" in table:
        known = table["sha256"].where(table["sha256"].map(lambda one: isinstance(one, str) and one != ""), known)
    content = sorted(
        [str(one), str(primary), sorted(map(str, secondary))]
        for one, primary, secondary in zip(known, table["primary_label"], table["secondary_labels"], strict=True)
    )
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


def _metrics(
    scores: NDArray[np.floating],
    target: NDArray[np.floating],
    truth: NDArray[np.integer],
    bootstrap: Bootstrap,
    classes: ClassList,
    named: NDArray[np.bool_] | None = None,
) -> Metrics:
    """With their intervals."""
    metrics = compute_metrics(scores, target, [classes.codes[position] for position in truth], classes, named=named)
    maps, hits = bootstrap.macro_map(scores, target), bootstrap.mean(scores.argmax(axis=1) == truth)
    intervals = {"macro_map": list(interval_around(metrics.macro_map, maps)), "top1": list(interval(hits))}
    return replace(metrics, intervals=intervals)


def _snr_db(test_set: ShardSet) -> list[float]:
    """Of each recording, the mean of its windows' estimates."""
    front_end, rate_hz = FrontEnd(test_set.spec), test_set.spec.sample_rate_hz
    return [float(audio_statistics(front_end.windows(one), rate_hz)["snr_db"].mean()) for one in test_set]


def _calibration(
    before: NDArray[np.floating], after: NDArray[np.floating], truth: NDArray[np.integer]
) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name, scores in (("before", before), ("after", after)):
        confidence, hit = scores.max(axis=1), scores.argmax(axis=1) == truth
        error = calibration_error(confidence, hit)
        facts |= {f"error_{name}": error.value, f"error_{name}_interval": list(error.interval)}
        facts[name] = [asdict(one) for one in reliability(confidence, hit)]
    return facts | {"n_recordings": len(truth)}


def _curve(scores: NDArray[np.floating], target: NDArray[np.floating], named: NDArray[np.bool_]) -> dict[str, Any]:
    occurs = target > 0
    precision, recall, _ = precision_recall_curve(occurs.ravel(), scores.ravel())
    kept = np.unique(np.linspace(0, len(recall) - 1, _CURVE_POINTS).astype(int))
    found = int((named & occurs).sum())
    return {
        "recall": recall[kept].tolist(),
        "precision": precision[kept].tolist(),
        "named_recall": found / max(1, int(occurs.sum())),
        "named_precision": found / max(1, int(named.sum())),
    }


def _answers(table: pd.DataFrame, scores: NDArray[np.floating], classes: ClassList) -> list[dict[str, Any]]:
    return [
        {
            "recording_id": row.recording_id,
            "path": row.path,
            "primary_label": row.primary_label,
            "predicted": classes.codes[int(score.argmax())],
            "probability": float(score.max()),
        }
        for row, score in zip(table.itertuples(), scores, strict=True)
    ]
