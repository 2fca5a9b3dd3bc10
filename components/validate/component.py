"""validate: open every recording once; what cannot be used is named."""

from typing import NamedTuple

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def validate(
    recordings: dsl.Input[dsl.Dataset],
    usable: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
) -> NamedTuple("Validated", [("data_fingerprint", str)]):
    """Open every recording once; a missing, empty or undecodable one is left out by name.

    Args:
        recordings: The table of recordings.
        usable: Those that can be used, with hash, duration and rate.
        report: What was left out, and why.
        metrics: How many of each.

    Returns:
        Identity of the data: ids, bytes and labels.
    """
    from silencio.steps.validate import validate_source

    outcome = validate_source(recordings.path, usable.path, report.path)
    for name, value in outcome.counts.items():
        metrics.log_metric(name, value)
    return (outcome.data_fingerprint,)
