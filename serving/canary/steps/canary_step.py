"""canary_step: one share of visitors, watched until the judge has left it behind; nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from serving.canary.clock import Clock, SystemClock
from serving.canary.steps.release_place import ReleasePlace, release_place
from serving.canary.steps.watching import is_past, show, wait_for


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        place: `kserve:NAMESPACE/NAME`, or the state folder of `silencio serve --canary`.
        release_id: The release, from `stage`.
        share_percent: The challenger's share of this step.
        comparison: That of both bundles' answers, from `replay`.
        clock: Time.
        found: Another place than the named one, for tests.
    """

    place: str
    release_id: str
    share_percent: float
    comparison: Path
    clock: Clock = field(default_factory=SystemClock)
    found: ReleasePlace | None = None


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        page: The release's page, as it stood when this share was left.
    """

    page: Path


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
    place = inputs.found or release_place(inputs.place)
    record = wait_for(place.store, inputs.release_id, lambda one: is_past(one, inputs.share_percent), inputs.clock)
    show(record, inputs.comparison, outputs.page)
    return record.state
