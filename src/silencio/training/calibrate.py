"""Calibrate the ensemble and set its thresholds, on its predictions of the validation recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from silencio.config import RunConfig
from silencio.data.shards import targets
from silencio.evaluation.calibration import Calibration, expected_calibration_error, fit_calibration
from silencio.evaluation.metrics import compute_metrics
from silencio.evaluation.mislabels import find_swapped, suspects
from silencio.evaluation.recording_scores import recording_scores
from silencio.evaluation.slices import confusable_pairs
from silencio.evaluation.thresholds import Thresholds, fit_thresholds
from silencio.storage import write_atomically
from silencio.taxonomy import ClassList
from silencio.training.ensemble import FittedEnsemble


class DecisionRule(BaseModel):
    """What turns the ensemble's numbers into probabilities and names.

    Attributes:
        calibration: Calibration curves.
        thresholds: Probability from which on a species is named.
        log_loss: Log-loss by kind of calibration, on validation recordings that it was not fitted on.
        calibration_error: ECE of a recording's most probable species on validation, `before` and `after`; `after` by
            curves that had not seen the recording.
        validation: Metrics of the calibrated ensemble on validation, again by curves that had not seen them.
        confusable: Pairs of species that validation takes for each other, the most frequent first.
        mislabelled: Whether wrong labels would be found among validation recordings (`metrics`), and which recordings
            somebody should listen to (`suspects`).
        folds: Rules of `cross_fit`, each fitted without one fold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibration: Calibration
    thresholds: Thresholds
    log_loss: dict[str, float]
    calibration_error: dict[str, float]
    validation: dict[str, Any]
    confusable: list[tuple[str, str]]
    mislabelled: dict[str, Any]
    folds: list[DecisionRule] = []

    def save(self, path: Path) -> None:
        """Keep as JSON."""
        write_atomically(path, self.model_dump_json(indent=1))

    @classmethod
    def load(cls, path: Path) -> DecisionRule:
        """The inverse of `save`."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))


def calibrate_ensemble(
    ensemble: FittedEnsemble, recordings: pd.DataFrame, config: RunConfig, classes: ClassList
) -> DecisionRule:
    """Fit calibration, then thresholds.

    Args:
        ensemble: The supervisor, with the ensemble's predictions of validation; each of its folds gets a rule.
        recordings: Recordings, at least those of validation, with `recording_id`, `primary_label`, `secondary_labels`.
        config: The resolved configuration.
        classes: The order of the outputs.
    """
    windows = ensemble.windows
    table = recordings.set_index("recording_id").loc[windows.recording_ids].reset_index()
    target = targets(table, classes.index)
    fit = fit_calibration(
        windows.probabilities, target[windows.recording], windows.recording, windows.recording_ids, config.calibration
    )
    # Thresholds are set on curves that had not seen the recording, as they will meet new ones.
    thresholds = fit_thresholds(fit.out_of_fold, windows.recording, target, config.thresholds)
    truth = np.array([classes.index[code] for code in table["primary_label"]])
    before = recording_scores(windows.probabilities, windows.recording)
    after = recording_scores(fit.out_of_fold, windows.recording)
    named = thresholds.named(fit.out_of_fold, windows.recording)
    pairs = confusable_pairs(after, list(table["primary_label"]), classes, config.evaluation.slices.n_confusable_pairs)
    return DecisionRule(
        calibration=fit.calibration,
        thresholds=thresholds,
        log_loss=fit.log_loss,
        calibration_error={
            name: expected_calibration_error(scores.max(axis=1), scores.argmax(axis=1) == truth)
            for name, scores in (("before", before), ("after", after))
        },
        validation=compute_metrics(after, target, table["primary_label"], classes, named=named).to_dict(),
        confusable=pairs,
        mislabelled=_mislabelled(after, truth, target, windows.recording_ids, classes),
        folds=[calibrate_ensemble(one, recordings, config, classes) for one in ensemble.folds],
    )


def _mislabelled(
    scores: NDArray[np.floating],
    truth: NDArray[np.integer],
    target: NDArray[np.floating],
    recording_ids: Sequence[str],
    classes: ClassList,
) -> dict[str, Any]:
    present = target > 0
    doubtful = suspects(scores, truth, classes, recording_ids=recording_ids, present=present)
    if len(np.unique(truth)) < 2:
        return {"suspects": []}
    metrics = find_swapped(scores, truth, present=present).to_dict()
    return {"metrics": metrics, "suspects": doubtful.to_dict("records")}
