"""A stop that comes in any moment is a stop."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from serving.stream.stopping import StopRequest
from tests.waiting import HANG_S


@pytest.fixture
def at_every_line() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Calls a function at each line and each call that this thread comes to, as a signal handler may be called."""

    def install(interrupt: Callable[[], object]) -> None:
        def trace(frame: FrameType, event: str, argument: object) -> object:
            sys.settrace(None)
            interrupt()
            sys.settrace(trace)
            return trace

        sys.settrace(trace)

    before = sys.gettrace()
    yield install
    sys.settrace(before)


def test_stop__set_by_a_handler_at_every_point_of_a_wait(at_every_line: Callable[[Callable[[], object]], None]) -> None:
    """A `threading.Event` in its place never comes back: its lock is held, by the very thread that is to set it."""
    stop = StopRequest()
    at_every_line(stop.set)
    assert stop.wait(HANG_S)
    assert stop.is_set()


def test_stop__of_a_signal_that_comes_while_it_is_waited_for() -> None:
    stop = StopRequest()
    before = signal.signal(signal.SIGUSR1, lambda number, frame: stop.set())
    try:
        threading.Thread(target=signal.pthread_kill, args=(threading.main_thread().ident, signal.SIGUSR1)).start()
        assert stop.wait(HANG_S)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_stop__lets_everybody_go_on() -> None:
    stop = StopRequest()
    went_on: list[bool] = []
    waiting = [threading.Thread(target=lambda: went_on.append(stop.wait(HANG_S))) for _ in range(5)]
    for one in waiting:
        one.start()
    stop.set()
    for one in waiting:
        one.join()
    assert went_on == [True] * 5
    assert stop.wait(0.0)


def test_stop__that_nobody_wished_for_is_none() -> None:
    stop = StopRequest()
    assert not stop.wait(0.0)
    assert not stop.wait(-1.0)
    assert not stop.is_set()
