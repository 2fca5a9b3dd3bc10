"""judge: the policy's verdict, and the bundle with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from silencio.bundle.seal import seal_bundle
from silencio.config import RunConfig
from silencio.evaluation.gates import Verdict, apply_gates, verdict_facts
from silencio.evaluation.held_out import ENSEMBLE
from silencio.evaluation.results import Evaluation
from silencio.reports import page


def judge_step(
    config: RunConfig, candidate: str, evaluation_path: str, test: Sequence[str], paths: Mapping[str, str]
) -> dict[str, Any]:
    """Apply the gates, seal the bundle, and write the report.

    Args:
        config: The resolved configuration, with the policy.
        candidate: The bundle, not judged yet.
        evaluation_path: All figures.
        test: Shards of the test part, for pictures.
        paths: Where `bundle`, `verdict` and `report` are written.

    Returns:
        `version`, `verdict`, `passed` and the number of `refusals`, for the run's page.
    """
    evaluation = Evaluation.load(Path(evaluation_path))
    ensemble = evaluation.rows[ENSEMBLE]
    verdict = apply_gates(
        config.gates,
        {name: value for name, value in ensemble.to_dict().items() if isinstance(value, int | float)},
        evaluation.soundscapes.get("figures"),
        evaluation.calibration["error_after"],
        evaluation.comparisons,
        evaluation.slices,
    )
    verdict.save(Path(paths["verdict"]))
    manifest = seal_bundle(Path(candidate), _metrics(evaluation), verdict_facts(verdict), Path(paths["bundle"]))
    _write_page(verdict, Path(paths["report"]))
    words = "passed" if verdict.passed else "refused"
    return {"version": manifest.version, "verdict": words, "passed": verdict.passed, "refusals": len(verdict.refusals)}


def _metrics(evaluation: Evaluation) -> Mapping[str, Any]:
    return {
        "test": evaluation.rows[ENSEMBLE].to_dict(),
        "test_by_row": {name: row.to_dict() for name, row in evaluation.rows.items()},
        "test_calibration_error": evaluation.calibration["error_after"],
        "soundscapes": evaluation.soundscapes.get("figures", {}),
    }


def _write_page(verdict: Verdict, path: Path) -> None:
    rows = [
        {"gate": one.gate, "": "passed" if one.passed else "REFUSED", "why": one.message}
        if one.decides
        else {"gate": one.gate, "": "shown", "why": one.message}
        for one in verdict.reasons
    ]
    page("Passed" if verdict.passed else "Refused", ["What the policy asks for.", pd.DataFrame(rows)], path)
