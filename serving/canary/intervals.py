"""From cumulative counters to intervals of evidence: what happened between two readings, on each arm.

An instance that counts from 0 again was restarted: what it counts now is what happened since. One that vanished keeps
its last reading, so that nothing is counted twice when it comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from serving.canary.interfaces import ARMS, ArmName, Counters
from silencio.release.evidence import ArmCounts, Interval

Reading = Mapping[ArmName, Mapping[str, Counters]]
_FIELDS = tuple(one.name for one in fields(ArmCounts))


def plain(reading: Reading) -> dict[str, dict[str, dict[str, float]]]:
    """A reading as the record keeps it: arm -> instance -> counter -> value."""
    return {arm: {name: dict(one.values) for name, one in reading.get(arm, {}).items()} for arm in ARMS}


def merged(before: Mapping[str, Any], now: Reading) -> dict[str, dict[str, dict[str, float]]]:
    """The reading to count from next: instances that are gone keep what they had counted."""
    fresh = plain(now)
    return {arm: {**before.get(arm, {}), **fresh[arm]} for arm in ARMS}


def counts_between(before: Mapping[str, Any], now: Reading, arm: ArmName) -> ArmCounts:
    """What one arm's instances counted between two readings, none of it negative.

    Args:
        before: The earlier reading, as `plain` gives it.
        now: The later one.
        arm: The arm.
    """
    total = dict.fromkeys(_FIELDS, 0.0)
    for instance, counters in now.get(arm, {}).items():
        earlier = before.get(arm, {}).get(instance, {})
        was_restarted = any(value < earlier.get(name, 0.0) for name, value in counters.values.items())
        for name in _FIELDS:
            value = counters.values.get(name, 0.0)
            total[name] += value if was_restarted else value - earlier.get(name, 0.0)
    return ArmCounts(**{name: round(value) for name, value in total.items()})


def add_interval(kept: Sequence[Mapping[str, Any]], interval: Interval) -> tuple[dict[str, Any], ...]:
    """Put an interval behind the others; one of the same step, share and kind grows instead.

    Tests on counts have sums over intervals of one share, so nothing is lost, and the record stays small over days.
    """
    fresh = asdict(interval)
    last = dict(kept[-1]) if kept else {}
    if last and all(last[name] == fresh[name] for name in ("step", "share", "simulated")):
        for arm in ARMS:
            last[arm] = {name: last[arm][name] + fresh[arm][name] for name in _FIELDS}
        last["ended_s"] = fresh["ended_s"]
        return (*map(dict, kept[:-1]), last)
    return (*map(dict, kept), fresh)


def intervals_of(kept: Sequence[Mapping[str, Any]]) -> list[Interval]:
    """Intervals as rules want them, of what the record keeps."""
    return [
        Interval(**{**one, "champion": ArmCounts(**one["champion"]), "challenger": ArmCounts(**one["challenger"])})
        for one in kept
    ]
