"""validate: open every recording once; every fault is named."""

from typing import NamedTuple

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def validate(
    config: str,
    recordings: dsl.Input[dsl.Dataset],
    usable: dsl.Output[dsl.Dataset],
    faults: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
) -> NamedTuple("Validated", [("data_fingerprint", str)]):
    """Open every recording once; what cannot be used is left out by name, what is doubtful is named.

    Args:
        config: What this step reads of the configuration, as JSON.
        recordings: The table of recordings.
        usable: Those that can be used, with hashes, duration, rate and level.
        faults: Every fault of every recording.
        report: The faults by kind and by name.
        metrics: How many of each.

    Returns:
        Identity of the data: ids, bytes and labels.
    """
    from pathlib import Path

    from silencio.data.config import DataConfig
    from silencio.steps import validate as step

    data = DataConfig.of_part(config)
    inputs = step.Inputs(
        recordings=Path(recordings.path), validation=data.validation, spec_rate_hz=data.features.sample_rate_hz
    )
    outputs = step.Outputs(usable=Path(usable.path), faults=Path(faults.path), report=Path(report.path))
    outcome = step.run(inputs, outputs)
    metrics.metadata.update(outcome.metrics)
    return (outcome.data_fingerprint,)
