"""calibrate: probabilities that mean what they say, and the thresholds; validation only."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from silencio.config import RunConfig
from silencio.data.recordings import read_class_list, read_recordings
from silencio.reports import page
from silencio.training.calibrate import calibrate_ensemble
from silencio.training.ensemble import FittedEnsemble


def calibrate_step(
    config: RunConfig, fusion_path: str, usable_path: str, classes_path: str, decisions_path: str, report_path: str
) -> dict[str, float]:
    """Fit calibration and thresholds.

    Returns:
        Calibration error before and after, for the run's page.
    """
    classes = read_class_list(Path(classes_path))
    fusion = FittedEnsemble.load(Path(fusion_path))
    decisions = calibrate_ensemble(fusion, read_recordings(Path(usable_path)), config, classes)
    decisions.save(Path(decisions_path))
    losses = [{"calibration": kind, "log-loss": loss} for kind, loss in decisions.log_loss.items()]
    error = decisions.calibration_error
    page(
        "Calibration and thresholds, from validation recordings",
        [
            f"{decisions.calibration.kind} predicts unseen validation recordings best. Calibration error of the most "
            f"probable species: {error['before']:.3f} before, {error['after']:.3f} after.",
            ("Log-loss on recordings that the curve had not seen", pd.DataFrame(losses)),
            f"Species are named from {decisions.thresholds.pooled:.3f} on; {decisions.thresholds.n_own} of "
            f"{len(classes)} have a threshold of their own.",
        ],
        Path(report_path),
    )
    return {
        "calibration_error_before": round(error["before"], 4),
        "calibration_error_after": round(error["after"], 4),
        "pooled_threshold": round(decisions.thresholds.pooled, 4),
        "species_with_own_threshold": decisions.thresholds.n_own,
    }
