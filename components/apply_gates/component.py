"""apply_gates: the policy's verdict."""

from typing import List

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def apply_gates(
    config: str,
    candidate: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    variants: dsl.Input[dsl.Artifact],
    test: dsl.Input[List[dsl.Dataset]],
    bundle: dsl.Output[dsl.Model],
    verdict: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
):
    """Hold the metrics against the policy, and seal the bundle with metrics and verdict.

    Args:
        config: What this step reads of the configuration, as JSON.
        candidate: The bundle, not sealed yet.
        evaluation: Every metric, as JSON.
        variants: Sizes, times and metrics of fp32 and int8.
        test: Waveforms of the test recordings, for the report's pictures.
        bundle: The bundle with its test metrics and its verdict.
        verdict: Every gate's outcome, as JSON.
        report: The whole report for people.
        metrics: Whether it passed, and how many gates did not let it pass.
    """
    from pathlib import Path

    from silencio.config import RunConfig
    from silencio.steps import apply_gates as step

    inputs = step.Inputs(
        config=RunConfig.of_part(config),
        candidate=Path(candidate.path),
        evaluation=Path(evaluation.path),
        variants=Path(variants.path),
        test=[Path(shard.path) for shard in test],
    )
    outcome = step.run(
        inputs, step.Outputs(bundle=Path(bundle.path), verdict=Path(verdict.path), report=Path(report.path))
    )
    bundle.metadata.update(outcome.metadata)
    metrics.metadata.update(outcome.metrics)
