"""What a look counts: intervals between two readings, how long nothing could be read, and evidence made of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serving.canary.clock import iso, seconds_of
from serving.canary.interfaces import ArmName
from serving.canary.intervals import add_interval, counts_between, intervals_of, merged, plain
from serving.canary.judgement import known_health
from serving.canary.world import World
from silencio.errors import CountsUnreadableError
from silencio.release.evidence import ArmHealth, Evidence, Interval
from silencio.release.record import ReleaseRecord


def slow_bound_s(world: World) -> float | None:
    """The champion's 95th percentile by now; None: it cannot be read."""
    try:
        return world.counts.p95_s(world.clock.now_s())
    except CountsUnreadableError as error:
        world.on_message(str(error))
        return None


def counted(world: World, record: ReleaseRecord, *, is_settled: bool) -> ReleaseRecord:
    """Close the interval since the last reading; where nothing can be read, remember since when."""
    now_s = world.clock.now_s()
    try:
        reading = world.counts.read(now_s)
    except CountsUnreadableError as error:
        return blinded(world, record, f"no counts: {error}")
    changes: dict[str, Any] = {"blind_since": None}
    is_counting = record.counting_from is not None and now_s >= seconds_of(record.counting_from)
    if not is_settled or not is_counting or not record.share_percent:
        changes["counters"] = {}
    elif not record.counters:
        changes["counters"] = {"at": iso(now_s), "arms": plain(reading)}
    else:
        before = record.counters["arms"]
        interval = Interval(
            step=record.step,
            share=record.share_percent / 100.0,
            began_s=seconds_of(record.counters["at"]) - seconds_of(record.began_at),
            ended_s=since_began_s(world, record),
            champion=counts_between(before, reading, "champion"),
            challenger=counts_between(before, reading, "challenger"),
        )
        changes["counters"] = {"at": iso(now_s), "arms": merged(before, reading)}
        changes["intervals"] = add_interval(record.intervals, interval)
    return record.model_copy(update=changes)


def blinded(world: World, record: ReleaseRecord, why: str) -> ReleaseRecord:
    """The record of a look that could read nothing."""
    if record.blind_since is not None:
        return record
    world.on_message(why)
    return record.model_copy(update={"blind_since": iso(world.clock.now_s())})


def blind_s(world: World, record: ReleaseRecord) -> float:
    """Seconds for which nothing could be read; 0: the last look read something."""
    # A look that read nothing is blind, however short that is.
    return 0.0 if record.blind_since is None else max(1e-3, world.clock.now_s() - seconds_of(record.blind_since))


def evidence_of(world: World, record: ReleaseRecord, health: Mapping[ArmName, ArmHealth]) -> Evidence:
    """All that the rules may look at."""
    staged = world.staging.evidence(record)
    in_step_s = world.clock.now_s() - seconds_of(record.counting_from or record.began_at)
    return Evidence(
        step=record.step,
        target_share=record.share_percent / 100.0,
        in_step_s=max(0.0, in_step_s),
        intervals=intervals_of(record.intervals),
        slow_bound_s=record.slow_bound_s,
        blind_s=blind_s(world, record),
        replay=staged.replay,
        pairs=staged.pairs,
        champion=known_health(record, health, "champion"),
        challenger=known_health(record, health, "challenger"),
        classes=staged.classes,
    )


def since_began_s(world: World, record: ReleaseRecord) -> float:
    """Seconds since the release began."""
    return world.clock.now_s() - seconds_of(record.began_at)
