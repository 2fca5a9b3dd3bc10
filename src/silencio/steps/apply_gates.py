"""apply_gates: the policy's verdict, and the bundle with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from silencio.explanations.bundle_scores import WindowProbabilities
from silencio.export.seal import seal_bundle
from silencio.features import FrontEnd
from silencio.reports.inputs import ReportInputs
from silencio.reports.report import write_report


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Its part of the configuration.
        candidate: The bundle, not sealed yet.
        evaluation: Every metric, as `evaluate` wrote it.
        variants: Sizes, times and metrics of fp32 and int8.
        test: Shards of the test recordings, for the report's pictures; without any there are none.
    """

    config: RunConfig
    candidate: Path
    evaluation: Path
    variants: Path
    test: Sequence[Path]


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        bundle: The bundle with its test metrics and its verdict.
        verdict: Every gate's outcome, as JSON.
        report: The whole report for people.
    """

    bundle: Path
    verdict: Path
    report: Path


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        version: The bundle's version.
        passed: Whether it may be registered.
        n_failed_gates: Gates that did not let it pass.
    """

    version: str
    passed: bool
    n_failed_gates: int

    @property
    def metrics(self) -> dict[str, float]:
        """For the run's page."""
        return {"passed": float(self.passed), "failed_gates": self.n_failed_gates}

    @property
    def metadata(self) -> dict[str, str]:
        """For the bundle's artifact."""
        return {"version": self.version, "verdict": "passed" if self.passed else "refused"}


def run(inputs: Inputs, outputs: Outputs) -> Outcome:
    """Apply the gates, seal the bundle, and write the report."""
    evaluation = Evaluation.load(inputs.evaluation)
    verdict = apply_gates(inputs.config.gates, Evidence.of(evaluation))
    verdict.save(outputs.verdict)
    manifest = seal_bundle(inputs.candidate, _metrics(evaluation), verdict_facts(verdict), outputs.bundle)
    write_report(outputs.report, _report_inputs(inputs, manifest, outputs.bundle, evaluation, verdict))
    return Outcome(manifest.version, verdict.passed, len(verdict.failed_gates))


def _metrics(evaluation: Evaluation) -> Mapping[str, Any]:
    return {
        "test": evaluation.metrics.to_dict(),
        "test_set": evaluation.test_set,
        "bundle_row": evaluation.bundle_row,
        **({"n_folds": evaluation.n_folds} if evaluation.n_folds else {}),
        "test_by_row": {name: row.to_dict() for name, row in evaluation.rows.items()},
        "row_names": row_names(evaluation),
        "test_calibration_error": evaluation.calibration["error_after"],
        "soundscapes": evaluation.soundscapes.get("metrics", {}),
    }


def _report_inputs(
    inputs: Inputs, manifest: BundleManifest, sealed: Path, evaluation: Evaluation, verdict: Verdict
) -> ReportInputs:
    graph, front_end = Bundle(sealed).graph(), FrontEnd(inputs.config.features)
    data = read_data_table(sealed / DATA) if (sealed / DATA).is_file() else None
    test = ShardSet(inputs.test, inputs.config.features, "test")
    return ReportInputs(
        manifest=manifest,
        evaluation=evaluation,
        verdict=verdict,
        slices=inputs.config.evaluation.slices,
        data=data,
        # Where none were held out, this very bundle was trained on all of them, and no picture of it would be honest.
        test=test if len(test) else None,
        predict=lambda waveform: graph.run(front_end.features(waveform).inputs),
        score_windows=WindowProbabilities(graph, inputs.config.features),
        variants=json.loads(inputs.variants.read_text(encoding="utf-8")) or None,
        mislabelled=evaluation.mislabelled or None,
        # In no metric of the bundle: times differ from run to run, and the same run gives the same bundle.
        costs=None if data is None else measure_costs({"this": sealed}, example_recordings(data))["this"],
    )
