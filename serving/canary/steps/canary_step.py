"""canary_step: one share of visitors, watched until the judge has left it behind; nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass

from serving.canary.steps import watching
from serving.canary.steps.watching import Outputs, is_past, watch

__all__ = ["Inputs", "Outputs", "run"]


@dataclass(frozen=True, kw_only=True)
class Inputs(watching.Inputs):
    """What the step reads, beside the release.

    Attributes:
        share_percent: The challenger's share of this step.
    """

    share_percent: float


def run(inputs: Inputs, outputs: Outputs) -> str:
    """Wait until the share is left, upwards or back.

    A policy without this share leaves it at once: the graph has the steps of the policy that ships. A held release is
    waited for: a person decides.

    Returns:
        The release's state.

    Raises:
        ReleaseError: Another release has taken its place.
        RouteError: The record cannot be read.
    """
    return watch(inputs, outputs, lambda record: is_past(record, inputs.share_percent)).state
