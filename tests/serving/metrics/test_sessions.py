"""Sessions are what a judge of releases counts: each once, whatever becomes of its other requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from serving.metrics import process
from serving.metrics.process import ANSWER_BUCKETS_S
from serving.metrics.sessions import SessionCounter

STRETCH_S = 1800.0
PRIORITIES = ("interactive", "batch")


class Counted:
    """A counter whose time a test decides, and what it counted since."""

    def __init__(self, max_sessions: int = 100) -> None:
        self.now_s = 10 * STRETCH_S
        self.counter = SessionCounter(STRETCH_S, PRIORITIES, max_sessions=max_sessions, clock=lambda: self.now_s)

    def request(
        self, session_id: str, status: int = 200, answer_s: float | None = 0.001, priority: str = "interactive"
    ) -> None:
        self.counter.count(session_id, status, answer_s, priority)

    def value(self, what: str, **labels: str) -> float:
        name = f"silencio_{what}sessions_total"
        return REGISTRY.get_sample_value(name, {"version": process.served_version(), **labels}) or 0.0

    def slow(self, beyond_s: float, priority: str = "interactive") -> float:
        return self.value("slow_", beyond_s=str(float(beyond_s)), priority=priority)

    def all(self) -> tuple[float, float, float]:
        return self.value(""), self.value("failed_"), self.value("rejected_")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Counted]:
    monkeypatch.setattr(process, "_expected", [])
    monkeypatch.setattr(process, "_served_version", request.node.name)
    yield Counted()


def test_session__of_ten_requests_that_fail_counts_once(counted: Counted) -> None:
    for _ in range(10):
        counted.request("walk", 500)
    assert counted.all() == (1, 1, 0)


def test_session__counts_as_failed_whenever_it_fails(counted: Counted) -> None:
    for status in (200, 200, 503, 200):
        counted.request("walk", status)
    assert counted.all() == (1, 1, 1)


def test_request__without_a_session_is_a_unit_of_its_own(counted: Counted) -> None:
    for status in (200, 500, 500):
        counted.request("", status)
    assert counted.all() == (3, 2, 0)


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (200, (1, 0, 0)),
        (400, (1, 0, 0)),
        (413, (1, 0, 1)),
        (429, (1, 0, 1)),
        (500, (1, 1, 0)),
        (503, (1, 1, 1)),
        (504, (1, 1, 0)),
        (204, (0, 0, 0)),
        (401, (0, 0, 0)),
        (404, (0, 0, 0)),
        (405, (0, 0, 0)),
        (408, (0, 0, 0)),
    ],
)
def test_status__what_it_makes_of_a_session(counted: Counted, status: int, found: tuple[float, float, float]) -> None:
    counted.request("walk", status)
    assert counted.all() == found


def test_slow__counts_once_for_each_bound_that_the_slowest_request_exceeded(counted: Counted) -> None:
    for answer_s in (0.004, 0.25, 0.25, 0.01, 0.6):
        counted.request("walk", answer_s=answer_s)
    slow = {bound_s: counted.slow(bound_s) for bound_s in ANSWER_BUCKETS_S}
    assert slow == {bound_s: float(bound_s < 0.6) for bound_s in ANSWER_BUCKETS_S}


def test_slow__a_request_as_long_as_the_bound_has_not_exceeded_it(counted: Counted) -> None:
    """As in the histogram of the same bounds: its buckets hold what is at most so long."""
    counted.request("walk", answer_s=0.5)
    assert (counted.slow(0.3), counted.slow(0.5)) == (1, 0)


def test_slow__batch_work_waits_by_design_and_is_counted_apart(counted: Counted) -> None:
    counted.request("walk", answer_s=2.5, priority="batch")
    counted.request("walk", answer_s=0.15)
    assert (counted.slow(1.0), counted.slow(0.1)) == (0, 1)
    assert (counted.slow(1.0, "batch"), counted.slow(2.0, "batch")) == (1, 1)


def test_gone__a_client_that_left_is_no_failure_but_has_waited_so_long(counted: Counted) -> None:
    """Slow answers make clients leave: without them the slowest requests of a slow bundle would be seen by nobody."""
    counted.request("cut upload", 499, answer_s=None)
    assert counted.all() == (0, 0, 0)
    counted.request("walk", 499, answer_s=4.0)
    assert counted.all() == (1, 0, 0)
    assert (counted.slow(3.0), counted.slow(5.0)) == (1, 0)


def test_stretch__a_recorder_that_keeps_its_id_for_months_counts_anew_in_each(counted: Counted) -> None:
    counted.request("recorder", 500, answer_s=1.2)
    counted.now_s += STRETCH_S - 1
    counted.request("recorder", 500, answer_s=1.2)
    assert (*counted.all(), counted.slow(1.0)) == (1, 1, 0, 1)
    counted.now_s += 1
    counted.request("recorder", 500, answer_s=1.2)
    assert (*counted.all(), counted.slow(1.0)) == (2, 2, 0, 2)


def test_memory__the_session_is_forgotten_of_which_nothing_was_seen_for_longest(counted: Counted) -> None:
    few = Counted(max_sessions=2)
    for session_id in ("a", "b", "a", "c", "a"):
        few.request(session_id)
    assert few.value("") == 3
    few.request("b")
    assert few.value("") == 4
    assert len(few.counter._units) == 2


def test_memory__holds_no_id_as_it_came(counted: Counted) -> None:
    counted.request("Ana's walk")
    assert "Ana" not in repr(vars(counted.counter))


def test_series__are_there_at_0_before_the_first_event(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    process.set_served_version("another of a test")
    labels = {"version": "another of a test"}
    names = [f"silencio_{what}sessions_total" for what in ("", "failed_", "rejected_")]
    assert [REGISTRY.get_sample_value(name, labels) for name in names] == [0, 0, 0]
    for priority in PRIORITIES:
        for bound_s in ANSWER_BUCKETS_S:
            found = {**labels, "priority": priority, "beyond_s": str(float(bound_s))}
            assert REGISTRY.get_sample_value("silencio_slow_sessions_total", found) == 0
