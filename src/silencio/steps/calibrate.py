"""calibrate: calibrated probabilities, and the thresholds; validation only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from silencio.config import RunConfig
from silencio.data.recordings import read_class_list, read_recordings
from silencio.reports import page
from silencio.training.calibrate import calibrate_ensemble
from silencio.training.ensemble import FittedEnsemble


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Its part of the configuration.
        ensemble: The fitted ensemble, with its probabilities for every validation window.
        usable: The recordings, for their labels.
        classes: The ordered class list.
    """

    config: RunConfig
    ensemble: Path
    usable: Path
    classes: Path


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        decision_rule: Calibration and thresholds, as JSON.
        report: Page on which calibration was chosen, and why.
    """

    decision_rule: Path
    report: Path


def run(inputs: Inputs, outputs: Outputs) -> dict[str, float]:
    """Fit calibration and thresholds on validation recordings.

    Returns:
        For the run's page: calibration error before and after, and the thresholds.
    """
    classes, ensemble = read_class_list(inputs.classes), FittedEnsemble.load(inputs.ensemble)
    decision_rule = calibrate_ensemble(ensemble, read_recordings(inputs.usable), inputs.config, classes)
    decision_rule.save(outputs.decision_rule)
    losses = [{"calibration": kind, "log-loss": loss} for kind, loss in decision_rule.log_loss.items()]
    error = decision_rule.calibration_error
    page(
        "Calibration and thresholds, from validation recordings",
        [
            f"{decision_rule.calibration.kind} predicts unseen validation recordings best. Calibration error of the "
            f"most probable species: {error['before']:.3f} before, {error['after']:.3f} after.",
            ("Log-loss on recordings that the curve had not seen", pd.DataFrame(losses)),
            f"Species are named from {decision_rule.thresholds.pooled:.3f} on; {decision_rule.thresholds.n_own} of "
            f"{len(classes)} have a threshold of their own.",
        ],
        outputs.report,
    )
    return {
        "calibration_error_before": round(error["before"], 4),
        "calibration_error_after": round(error["after"], 4),
        "pooled_threshold": round(decision_rule.thresholds.pooled, 4),
        "species_with_own_threshold": decision_rule.thresholds.n_own,
    }
