"""apply_gates: the policy's verdict, and the bundle with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from silencio.bundle.load import Bundle
from silencio.bundle.manifest import DATA, BundleManifest
from silencio.config import RunConfig
from silencio.data.shards import ShardSet
from silencio.data.versions import read_data_table
from silencio.evaluation.costs import example_recordings, measure_costs
from silencio.evaluation.gates import Evidence, Verdict, apply_gates, verdict_facts
from silencio.evaluation.results import Evaluation
from silencio.evaluation.row_names import row_names
from silencio.export.seal import seal_bundle
from silencio.features import FrontEnd
from silencio.reports.inputs import ReportInputs
from silencio.reports.report import write_report


def judge_step(
    config: RunConfig, candidate: str, evaluation_path: str, test: Sequence[str], paths: Mapping[str, str]
) -> dict[str, Any]:
    """Apply the gates, seal the bundle, and write the report.

    Args:
        config: What this step reads of the configuration.
        candidate: The bundle, not judged yet.
        evaluation_path: All figures.
        test: Shards of the test set, for the report's pictures.
        paths: Where `bundle`, `verdict` and `report` are written, and where the figures of the graph's `variants` lie.

    Returns:
        `version`, `verdict`, `passed` and the number of `refusals`, for the run's page.
    """
    evaluation = Evaluation.load(Path(evaluation_path))
    verdict = apply_gates(config.gates, Evidence.of(evaluation))
    verdict.save(Path(paths["verdict"]))
    manifest = seal_bundle(Path(candidate), _metrics(evaluation), verdict_facts(verdict), Path(paths["bundle"]))
    variants = json.loads(Path(paths["variants"]).read_text(encoding="utf-8"))
    _write_report(config, manifest, Path(paths["bundle"]), evaluation, verdict, variants, test, Path(paths["report"]))
    words, n_failed = "passed" if verdict.passed else "refused", len(verdict.failed_gates)
    return {
        "version": manifest.version,
        "verdict": words,
        "passed": verdict.passed,
        "refusals": n_failed,
    }


def _metrics(evaluation: Evaluation) -> Mapping[str, Any]:
    return {
        "test": evaluation.metrics.to_dict(),
        "test_set": evaluation.test_set,
        "bundle_row": evaluation.bundle_row,
        "test_by_row": {name: row.to_dict() for name, row in evaluation.rows.items()},
        "row_names": row_names(evaluation),
        "test_calibration_error": evaluation.calibration["error_after"],
        "soundscapes": evaluation.soundscapes.get("metrics", {}),
    }


def _write_report(
    config: RunConfig,
    manifest: BundleManifest,
    sealed: Path,
    evaluation: Evaluation,
    verdict: Verdict,
    variants: Mapping[str, Any],
    test: Sequence[str],
    path: Path,
) -> None:
    graph, front_end = Bundle(sealed).graph(), FrontEnd(config.features)
    data = read_data_table(sealed / DATA) if (sealed / DATA).is_file() else None
    judged = ReportInputs(
        manifest=manifest,
        evaluation=evaluation,
        verdict=verdict,
        slices=config.evaluation.slices,
        data=data,
        test=ShardSet(map(Path, test), config.features, "test"),
        predict=lambda waveform: graph.run(front_end.features(waveform).inputs),
        variants=variants or None,
        mislabelled=evaluation.mislabelled or None,
        # In no figure of the bundle: times differ from run to run, and the same run gives the same bundle.
        costs=None if data is None else measure_costs({"this": sealed}, example_recordings(data))["this"],
    )
    write_report(path, judged)
