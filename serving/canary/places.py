"""One machine's release: route, counts, record and staging, found by the state folder of `silencio serve --canary`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from serving.canary.clock import Clock, SystemClock, iso
from serving.canary.interfaces import ArmName, Counters, CounterSource
from serving.canary.intervals import counts_between, plain
from serving.canary.one_machine_state import MachineState, Wanted, identity_of
from serving.canary.prometheus_counters import PrometheusCounters
from serving.canary.shadow_log import ShadowLog
from serving.canary.simulated import Endpoints
from serving.canary.staging import HttpStaging
from serving.canary.store import FileStore
from serving.client.options import API_KEY
from serving.simulate.recordings import Recording, recordings_of
from silencio.errors import CountsUnreadableError, ReleaseRefusedError, RouteError
from silencio.release.evidence import ArmCounts
from silencio.release.plan import Traffic
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, ReleaseRecord

RELEASE_FOLDER = "release"
# A day, and less where the machine has not served so long.
_SPANS_S = (86_400.0, 3_600.0, 600.0, 60.0)


@dataclass(frozen=True, kw_only=True)
class MachineCounts:
    """Counts of a machine, with the slow bound that its release has frozen.

    Attributes:
        folder: The state folder of `silencio serve`.
        store: Where the record is.
    """

    folder: Path
    store: FileStore

    def read(self, at_s: float) -> Mapping[ArmName, Mapping[str, Counters]]:
        """Counters by arm and instance, all of one moment.

        Raises:
            CountsUnreadableError: Prometheus, or the machine, does not answer.
        """
        record = self.store.load()
        slow = ReleasePolicy.model_validate(record.policy).rules.get("slow") if record is not None else None
        bound_s = record.slow_bound_s if record is not None else None
        return self._counters(slow_bound_s=bound_s, limit_s=slow.limit if slow else None).read(at_s)

    def p95_s(self, at_s: float) -> float | None:
        """The bound that holds the champion's p95 of 24 hours; None below 500 requests."""
        return self._counters().p95_s(at_s)

    def _counters(self, **bounds: float | None) -> PrometheusCounters:
        try:
            return PrometheusCounters.of_machine(self.folder, **bounds)
        except RouteError as error:
            raise CountsUnreadableError(str(error)) from error


def _ignore(message: str) -> None:
    pass


def machine_staging(
    folder: Path,
    store: FileStore,
    recordings: Sequence[Recording] | None = None,
    clock: Clock | None = None,
    on_message: Callable[[str], None] = _ignore,
) -> HttpStaging:
    """Staging by both arms' own addresses on loopback.

    Args:
        folder: The state folder.
        store: Where releases' files are.
        recordings: What simulated users play; None: sounds made up here.
        clock: Time.
        on_message: Called with what could not be read of the prediction log.
    """

    def endpoints() -> Endpoints:
        machine = MachineState.load(folder)
        api_key = os.environ.get(API_KEY, "")
        return Endpoints(champion=machine.champion.url, challenger=machine.challenger.url, api_key=api_key)

    return HttpStaging(
        endpoints=endpoints,
        recordings=recordings if recordings is not None else recordings_of(None),
        folder=store.of_release,
        clock=clock or SystemClock(),
        log=ShadowLog(lambda: [place] if (place := MachineState.load(folder).prediction_log) else [], on_message),
    )


def machine_bundles(folder: Path, challenger: Path | None) -> tuple[BundleIdentity, BundleIdentity]:
    """Champion and challenger of the machine.

    Args:
        folder: The state folder.
        challenger: Folder of another challenger than what `silencio serve --canary` was told.

    Raises:
        RouteError: Nothing runs.
        ReleaseRefusedError: There is no challenger.
    """
    machine = MachineState.load(folder)
    if machine.champion.bundle is None:
        raise RouteError(f"{folder} names no champion: start `silencio serve` anew")
    offered = identity_of(challenger) if challenger is not None else None
    offered = offered or Wanted.load(folder).challenger or machine.challenger.bundle
    if offered is None:
        raise ReleaseRefusedError("there is no challenger: name its bundle by --challenger DIR")
    return machine.champion.bundle, offered


def record_of_route(folder: Path) -> ReleaseRecord:
    """As much of a record as a rollback needs, where the record itself cannot be read."""
    unknown = BundleIdentity(version="unknown", manifest_sha256="", place="")
    try:
        machine = MachineState.load(folder)
        champion, challenger = machine.champion.bundle or unknown, machine.challenger.bundle or unknown
    except RouteError:
        champion = challenger = unknown
    policy = ReleasePolicy.shipped().model_dump(mode="json")
    return ReleaseRecord(
        release_id="unknown", champion=champion, challenger=challenger, policy=policy, began_at=iso(time.time())
    )


def traffic_between(counts: CounterSource, at_s: float) -> Traffic:
    """Today's traffic, of both arms together, as Prometheus has counted it.

    Raises:
        CountsUnreadableError: It has counted nothing yet.
    """
    now = counts.read(at_s)
    for span_s in _SPANS_S:
        try:
            before = plain(counts.read(at_s - span_s))
        except CountsUnreadableError:
            continue
        both = [counts_between(before, now, arm) for arm in ("champion", "challenger")]
        return _traffic(both, span_s)
    raise CountsUnreadableError(
        f"Prometheus has counted for less than {_SPANS_S[-1]:.0f} s: try again, or say --sessions-per-hour"
    )


def _traffic(both: Sequence[ArmCounts], span_s: float) -> Traffic:
    units, requests, failed = (
        sum(getattr(one, name) for one in both) for name in ("units", "requests", "failed_units")
    )
    if not units:
        return Traffic(units_per_hour=[0.0])
    return Traffic(
        units_per_hour=[units * 3_600.0 / span_s],
        requests_per_unit=max(1.0, requests / units),
        failed_share=min(0.5, failed / units),
    )
