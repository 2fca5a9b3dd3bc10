"""roll_back: why a release was not promoted, with every visitor back at the champion; of another, that it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from serving.canary.clock import Clock, SystemClock
from serving.canary.steps.release_place import ReleasePlace, release_place
from serving.canary.steps.watching import show, wait_for
from silencio.errors import ReleaseError


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
        page: The release's page, with the rule that took it back.
    """

    page: Path


def run(inputs: Inputs, outputs: Outputs) -> str:
    """Write the page, and hold it against the record that no visitor is left at the challenger.

    Returns:
        One sentence: why it was taken back.

    Raises:
        ReleaseError: Visitors are left at the challenger, or another release has taken its place.
        RouteError: The record cannot be read.
    """
    place = inputs.found or release_place(inputs.place)
    record = wait_for(place.store, inputs.release_id, lambda one: False, inputs.clock)
    show(record, inputs.comparison, outputs.page)
    if record.state != "promoted" and record.share_percent:
        raise ReleaseError(
            f"release {record.release_id} is {record.state}, and {record.share_percent:g} % of the sessions are still "
            "at the challenger: run `silencio release rollback --now`"
        )
    return record.why
