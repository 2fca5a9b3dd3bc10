"""The verdict's figures: everything that is computed from scores of the test recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
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
from silencio.evaluation.comparisons import CHAMPION, Comparison, compare
from silencio.evaluation.metrics import judge
from silencio.evaluation.results import Evaluation
from silencio.evaluation.slices import SliceConfig, judge_slices, slice_masks, species_table
from silencio.features import FrontEnd
from silencio.taxonomy import ClassList

ENSEMBLE = "ensemble"
_CURVE_POINTS = 200


def judge_test_part(
    scores: Mapping[str, NDArray[np.floating]],
    uncalibrated: NDArray[np.floating],
    named: NDArray[np.bool_],
    judged: ShardSet,
    training: pd.DataFrame,
    confusable: Sequence[tuple[str, str]],
    champion: ChampionScores | None,
    classes: ClassList,
    slices: SliceConfig,
    n_resamples: int,
) -> Evaluation:
    """Compute all figures on recordings.

    Args:
        scores: By what is judged, `ensemble` first: recording scores (n_recordings, n_classes).
        uncalibrated: The ensemble's before calibration, of the same shape.
        named: Which species the ensemble's thresholds let pass, of the same shape.
        judged: The test recordings.
        training: Table of the training recordings.
        confusable: Pairs that validation takes for each other.
        champion: What the champion says; None where there is none.
        classes: What the columns mean.
        slices: Where slices are cut.
        n_resamples: Of the bootstrap.
    """
    table = judged.table.assign(snr_db=_snr_db(judged))
    target = targets(table, classes.index)
    truth = np.array([classes.index[code] for code in table["primary_label"]])
    bootstrap = Bootstrap(len(table), n_resamples)
    ours = scores[ENSEMBLE]
    rows = {}
    for name, one in scores.items():
        metrics = judge(one, target, table["primary_label"], classes, named=named if name == ENSEMBLE else None)
        maps, hits = bootstrap.macro_map(one, target), bootstrap.mean(one.argmax(axis=1) == truth)
        rows[name] = replace(
            metrics,
            intervals={"macro_map": list(interval_around(metrics.macro_map, maps)), "top1": list(interval(hits))},
        )
    comparisons = [
        entry
        for name, one in scores.items()
        if name != ENSEMBLE
        for entry in compare(name, ours, one, target, truth, bootstrap)
    ]
    hit_of_champion = None
    if champion is not None:
        comparisons += _against_champion(champion, ours, target, truth, bootstrap)
        hit_of_champion = np.where(champion.fair, champion.scores.argmax(axis=1) == truth, np.nan)
    masks = slice_masks(table, training, confusable, classes, slices)
    return Evaluation(
        rows=rows,
        answers=_answers(table, ours, classes),
        comparisons=comparisons,
        slices=judge_slices(masks, ours, target, truth, bootstrap, slices, hit_of_champion),
        species=species_table(ours, target, truth, classes).to_dict("records"),  # type: ignore[arg-type]
        confusable=[list(pair) for pair in confusable],
        calibration=_calibration(uncalibrated, ours, truth),
        curve=_curve(ours, target, named),
        champion="" if champion is None else champion.version,
    )


def _against_champion(
    champion: ChampionScores,
    ours: NDArray[np.floating],
    target: NDArray[np.floating],
    truth: NDArray[np.integer],
    bootstrap: Bootstrap,
) -> list[Comparison]:
    fair = champion.fair
    if not fair.any():
        return []
    if champion.known is not None:
        # Species that it cannot name are no advantage over it, as its primary labels are none.
        target = target * champion.known
    return compare(CHAMPION, ours[fair], champion.scores[fair], target[fair], truth[fair], bootstrap.of(fair))


def _snr_db(judged: ShardSet) -> list[float]:
    """Of each recording, the mean of its windows' estimates."""
    front_end, rate_hz = FrontEnd(judged.spec), judged.spec.sample_rate_hz
    return [float(audio_statistics(front_end.windows(one), rate_hz)["snr_db"].mean()) for one in judged]


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
