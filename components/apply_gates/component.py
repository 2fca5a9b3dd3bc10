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
    """Hold the figures against the policy, and seal the bundle with figures and verdict.

    Args:
        config: What this step reads of the configuration, as JSON.
        candidate: The bundle, not judged yet.
        evaluation: All figures.
        variants: Sizes, times and metrics of fp32 and int8.
        test: Waveforms of the test set, for the report's pictures.
        bundle: The bundle with its test figures and its verdict.
        verdict: Every gate's outcome, as JSON.
        report: The whole report for people.
        metrics: Whether it passed.
    """
    from silencio.config import RunConfig
    from silencio.steps.apply_gates import judge_step

    paths = {"bundle": bundle.path, "verdict": verdict.path, "report": report.path, "variants": variants.path}
    shards = [shard.path for shard in test]
    judged = judge_step(RunConfig.of_part(config), candidate.path, evaluation.path, shards, paths)
    bundle.metadata["version"], bundle.metadata["verdict"] = judged["version"], judged["verdict"]
    metrics.log_metric("passed", float(judged["passed"]))
    metrics.log_metric("refusals", judged["refusals"])
