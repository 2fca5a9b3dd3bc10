"""Killed before or after any call of any port, at any moment of a release: the next judge comes to the same end."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from serving.canary.auto import Auto
from silencio.errors import LeaseHeldError, RouteError
from silencio.release.record import ReleaseRecord
from tests.serving.canary.world import NEW, OLD, Killed, Place, quick_policy

_WRITES = ("offer", "set_share", "promote", "roll_back", "retire", "save", "note", "move_champion")

pytestmark = pytest.mark.usefixtures("without_fsync")


class Interrupted:
    """A port of which the n-th writing call kills the process, before or after it took effect."""

    def __init__(self, port: Any, counter: list[int], at: int, *, after: bool, with_: BaseException) -> None:
        self._port, self._counter, self._at, self._after, self._with = port, counter, at, after, with_

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name not in _WRITES:
            return method

        def call(*args: Any, **options: Any) -> Any:
            self._counter[0] += 1
            is_it = self._counter[0] == self._at
            if is_it and not self._after:
                raise self._with
            result = method(*args, **options)
            if is_it:
                raise self._with
            return result

        return call


def _quick() -> Any:
    return quick_policy(steps=[0.0, 25.0, 100.0], bake_s=60.0, min_requests=50, look_every_s=30.0)


def _place(folder: Path, failing: bool) -> Place:
    place = Place(folder)
    place.visitors.failing = {NEW: 0.5} if failing else {}
    place.begin(_quick())
    return place


def _run(place: Place, at: int, *, after: bool, with_: BaseException) -> int:
    """Judge until killed; the calls that there were."""
    counter = [0]
    ports = {
        name: Interrupted(getattr(place, name), counter, at, after=after, with_=with_)
        for name in ("route", "store", "registry")
    }
    with contextlib.suppress(Killed):
        place.auto(**ports)
    return counter[0]


@pytest.mark.parametrize("failing", [False, True], ids=["promoted", "rolled_back"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_auto__comes_to_the_same_end_wherever_it_was_killed(tmp_path: Path, failing: bool, after: bool) -> None:
    n_calls = _run(_place(tmp_path / "whole", failing), 0, after=False, with_=Killed())
    assert n_calls > 20
    for at in range(1, n_calls + 1):
        place = _place(tmp_path / str(at), failing)
        _run(place, at, after=after, with_=Killed())
        record = place.auto()
        assert record.state == ("rolled_back" if failing else "promoted"), f"killed at call {at}"
        assert (place.route.to(NEW), record.outstanding) == (0.0 if failing else 100.0, ()), f"killed at call {at}"
        assert place.registry.champion == (OLD if failing else NEW), f"killed at call {at}"
        assert place.route.challenger is None, f"killed at call {at}"
        states = [event.state for event in record.history]
        expected = ["dark", "step", "rolled_back"] if failing else ["dark", "step", "step", "baking", "promoted"]
        assert states == expected, f"killed at call {at}: nothing is done twice in the history"
        assert place.registry.states[-1] == record.state


@pytest.mark.parametrize("after", [False, True], ids=["refused", "taken, the answer lost"])
def test_auto__goes_on_after_a_lost_connection_to_the_route(tmp_path: Path, after: bool) -> None:
    n_calls = _run(_place(tmp_path / "whole", failing=False), 0, after=False, with_=Killed())
    for at in range(1, n_calls + 1):
        place = _place(tmp_path / str(at), failing=False)
        route = Interrupted(place.route, [0], at, after=after, with_=RouteError("the connection was lost"))
        record = place.auto(route=route)
        assert record.state == "promoted" and place.route.to(NEW) == 100.0, f"lost at call {at}"


def test_auto__of_two_judges_one_acts(tmp_path: Path) -> None:
    place = _place(tmp_path, failing=False)
    with place.store.lease("another"), pytest.raises(LeaseHeldError, match="another"):
        Auto(place.world()).run("this one")
    assert place.route.shares_seen == []


def test_auto__stops_when_another_judge_took_over(tmp_path: Path) -> None:
    """Fencing: a judge that was asleep while its lease went to another writes nothing any more."""
    place = _place(tmp_path, failing=False)

    def taken_over(record: ReleaseRecord | None) -> bool:
        lock = place.folder / "judge.lock"
        lock.write_text('{"token": 999, "holder": "another", "pid": 1}')
        return False

    with pytest.raises(LeaseHeldError, match="another"):
        Auto(place.world()).run("this one", is_over=taken_over)
