"""Wait for the judge: a release's record is read until it has come so far, and then shown. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from serving.canary.clock import Clock, SystemClock
from serving.canary.interfaces import RecordStore
from serving.canary.page import inputs_of
from serving.canary.steps.release_place import ReleasePlace, release_place
from silencio.errors import ReleaseError, RouteError
from silencio.release.policy import ReleasePolicy
from silencio.release.record import ReleaseRecord
from silencio.reports.release.collect import collect
from silencio.reports.release.write import as_html
from silencio.storage import write_atomically

# Nobody waits longer for a page than this, however seldom the judge looks.
_MAX_PAUSE_S = 30.0
# A cluster's API that is away for a moment ends no step; one that is away for good does.
_MAX_FAILURES = 20


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a step that watches a release reads.

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
    """What it writes.

    Attributes:
        page: The release's page, as it stood when that was reached.
    """

    page: Path


def watch(
    inputs: Inputs, outputs: Outputs, is_reached: Callable[[ReleaseRecord], bool] = lambda record: False
) -> ReleaseRecord:
    """Wait until a release has come so far, or has ended, and write its page.

    Args:
        inputs: The release.
        outputs: Gets the page.
        is_reached: Whether it has come so far; by default its end is waited for.

    Raises:
        ReleaseError: Another release has taken its place.
        RouteError: The record cannot be read.
    """
    place = inputs.found or release_place(inputs.place)
    record = wait_for(place.store, inputs.release_id, is_reached, inputs.clock)
    show(record, inputs.comparison, outputs.page)
    return record


def wait_for(
    store: RecordStore, release_id: str, is_reached: Callable[[ReleaseRecord], bool], clock: Clock
) -> ReleaseRecord:
    """The record, as soon as it has come so far or has ended.

    Args:
        store: Where it is kept.
        release_id: The release that is meant.
        is_reached: Whether it has come so far.
        clock: Time.

    Raises:
        ReleaseError: Another release has taken its place, or there is none.
        RouteError: The record could not be read again and again.
    """
    n_failures = 0
    while True:
        try:
            record, n_failures = store.load(), 0
        except RouteError:
            n_failures += 1
            if n_failures >= _MAX_FAILURES:
                raise
            clock.wait(_MAX_PAUSE_S)
            continue
        if record is None or record.release_id != release_id:
            found = "none" if record is None else f"{record.release_id} ({record.state})"
            raise ReleaseError(f"release {release_id} is not the one that is kept here any more: found {found}")
        if record.has_ended or is_reached(record):
            return record
        clock.wait(min(_MAX_PAUSE_S, ReleasePolicy.model_validate(record.policy).look_every_s))


def is_past(record: ReleaseRecord, share_percent: float) -> bool:
    """Whether a release has left the step of this share, or a larger one, behind it with every rule passed.

    Args:
        record: The release.
        share_percent: Share of the step.
    """
    state = record.exposed_state
    if state in ("baking", "promoted"):
        return True
    steps = ReleasePolicy.model_validate(record.policy).steps
    return state == "step" and steps[record.step] > share_percent


def show(record: ReleaseRecord, comparison: Path | None, page: Path) -> None:
    """Write the release's page as it stands.

    Args:
        record: The release.
        comparison: That of both bundles' answers; None: there is none.
        page: Gets the HTML.

    Raises:
        StorageError: It cannot be written.
    """
    inputs = inputs_of(record, comparison or page.parent / "no-comparison.json")
    write_atomically(page, as_html(collect(inputs), {}))
