"""promote: the bake, watched until the challenger is the champion or is taken back; nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from serving.canary.clock import Clock, SystemClock
from serving.canary.steps.release_place import ReleasePlace, release_place
from serving.canary.steps.watching import show, wait_for


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        place: `kserve:NAMESPACE/NAME`, or the state folder of `silencio serve --canary`.
        release_id: The release, from `stage`.
        comparison: That of both bundles' answers, from `replay`.
        clock: Time.
        found: Another place than the named one, for tests.
    """

    place: str
    release_id: str
    comparison: Path
    clock: Clock = field(default_factory=SystemClock)
    found: ReleasePlace | None = None


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        page: The release's page at its end.
    """

    page: Path


def run(inputs: Inputs, outputs: Outputs) -> str:
    """Wait for the end.

    Returns:
        How the release ended.

    Raises:
        ReleaseError: Another release has taken its place.
        RouteError: The record cannot be read.
    """
    place = inputs.found or release_place(inputs.place)
    record = wait_for(place.store, inputs.release_id, lambda one: False, inputs.clock)
    show(record, inputs.comparison, outputs.page)
    return record.state
