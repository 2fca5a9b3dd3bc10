"""Two readings of counters make what happened in between: never negative, nothing twice, nothing lost to a restart."""

from __future__ import annotations

import pytest

from serving.canary.interfaces import ArmName, Counters
from serving.canary.intervals import Reading, add_interval, counts_between, intervals_of, merged, plain
from silencio.release.evidence import ArmCounts, Interval


def _reading(**instances: float) -> Reading:
    arm: ArmName = "challenger"
    return {arm: {name: Counters(values={"units": value, "requests": value}) for name, value in instances.items()}}


@pytest.mark.parametrize(
    ("before", "now", "units"),
    [
        ({"a": 10}, {"a": 15}, 5),
        ({"a": 10}, {"a": 10}, 0),
        # Restarted: it counts from 0 again.
        ({"a": 10}, {"a": 3}, 3),
        # A second pod came, one went.
        ({"a": 10}, {"a": 12, "b": 4}, 6),
        ({"a": 10, "b": 4}, {"a": 12}, 2),
    ],
)
def test_counts_between__sums_over_instances(before: dict[str, float], now: dict[str, float], units: int) -> None:
    found = counts_between(plain(_reading(**before)), _reading(**now), "challenger")
    assert (found.units, found.requests) == (units, units)
    assert counts_between(plain(_reading(**before)), _reading(**now), "champion") == ArmCounts()


def test_counts_between__of_an_instance_that_comes_back_counts_nothing_twice() -> None:
    first = plain(_reading(a=10, b=7))
    without = merged(first, _reading(a=11))
    assert counts_between(without, _reading(a=12, b=9), "challenger").units == 3


def test_counts_between__one_counter_that_fell_tells_of_a_restart_of_them_all() -> None:
    before = {"challenger": {"a": {"units": 100.0, "requests": 10.0}}}
    now: Reading = {"challenger": {"a": Counters(values={"units": 2.0, "requests": 20.0})}}
    assert counts_between(before, now, "challenger") == ArmCounts(units=2, requests=20)


def _interval(step: int, units: int, *, simulated: bool = False, ended_s: float = 60.0) -> Interval:
    counts = ArmCounts(units=units)
    return Interval(
        step=step, share=0.05, began_s=0.0, ended_s=ended_s, champion=counts, challenger=counts, simulated=simulated
    )


def test_add_interval__adds_up_within_a_step_alone() -> None:
    kept = add_interval((), _interval(0, 7, simulated=True))
    for interval in (_interval(1, 5), _interval(1, 6, ended_s=120.0), _interval(2, 1)):
        kept = add_interval(kept, interval)
    found = intervals_of(kept)
    assert [(one.step, one.challenger.units, one.simulated, one.ended_s) for one in found] == [
        (0, 7, True, 60.0),
        (1, 11, False, 120.0),
        (2, 1, False, 60.0),
    ]
