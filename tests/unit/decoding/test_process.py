"""A decoder's process: what it answers, how it dies, and what a file that has taken it over cannot do."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from pebble.common import ProcessFuture
from pebble.pool.base_pool import Task, TaskPayload
from pebble.pool.process import Acknowledgement, TaskManager

from silencio.decoding import pebble_channel
from silencio.decoding import process as process_module
from silencio.decoding.answers import Answer
from silencio.decoding.pebble_channel import AnswersContext
from silencio.decoding.process import DecoderProcess, Work, start_fork_server
from silencio.errors import BundleError, DecodeError, DecoderProcessError, UnexpectedError, UntrustedAnswerError
from tests.unit.decoding import misbehaving
from tests.waiting import until

Run = Callable[[str, Any], Answer]
# Longer than any test: what is to end earlier hangs for an hour.
_PATIENT_S = 1_000.0


def _work(**options: Any) -> Work:
    given: dict[str, Any] = {"arguments": (), "deadline_s": _PATIENT_S, "max_answer_bytes": 1 << 20, **options}
    return Work(misbehaving.run, misbehaving.begin, **given)


@pytest.fixture
def process() -> Iterator[DecoderProcess]:
    start_fork_server([misbehaving.__name__])
    one = DecoderProcess(_work())
    yield one
    one.stop()


@pytest.fixture(params=["waiting", "in an event loop"])
def run(request: pytest.FixtureRequest, process: DecoderProcess) -> Run:
    """The two ways of asking as one."""
    if request.param == "waiting":
        return lambda what, value: process.run((what, value))
    return lambda what, value: asyncio.run(process.run_async((what, value)))


def _pid(run: Run) -> int:
    pid = run("echo", None).facts["pid"]
    assert isinstance(pid, int)
    return pid


def test_answer__facts_and_arrays_arrive_as_they_were(run: Run) -> None:
    facts = {"text": "Häher", "list": [1, 2.5, None, True], "nested": {"a": []}}
    assert run("echo", facts).facts["value"] == facts
    rng = np.random.default_rng(0)
    arrays = {
        "windows": rng.integers(-9, 9, (3, 50), dtype=np.int16),
        "log_mel": rng.standard_normal((3, 4, 5)).astype(np.float32),
        "strided": rng.standard_normal((8, 6))[::2, ::3],
        "empty": np.empty((0, 7), np.float32),
        "scalar": np.array(0.1),
    }
    answer = run("arrays", arrays).arrays
    assert list(answer) == list(arrays)
    for name, array in arrays.items():
        assert answer[name].dtype == array.dtype
        np.testing.assert_array_equal(answer[name], array)


def test_errors__of_ours_arrive_as_what_they_were(run: Run) -> None:
    before = _pid(run)
    for how in ("refuse", "refuse_privately"):
        with pytest.raises(DecodeError, match="this is no recording") as caught:
            run(how, "not_audio")
        assert type(caught.value) is DecodeError
        assert caught.value.kind == "not_audio"
    with pytest.raises(UnexpectedError, match="ZeroDivisionError in a decoder's process: by nought"):
        run("fault", "by nought")
    with pytest.raises(UnexpectedError, match="sends an Answer, not PosixPath"):
        run("answer_with_an_object", None)
    assert _pid(run) == before


def test_begin__that_fails_is_every_jobs_error() -> None:
    one = DecoderProcess(_work(arguments=(True,)))
    try:
        for _ in range(2):
            with pytest.raises(BundleError, match="this bundle is another one"):
                one.run(("echo", None))
    finally:
        one.stop()


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_crash__is_that_jobs_and_the_process_is_replaced(run: Run, number: int) -> None:
    before = _pid(run)
    with pytest.raises(DecoderProcessError, match=f"exit code -{number}"):
        run("die", number)
    assert _pid(run) != before


def test_death_while_it_waits__costs_no_job(run: Run) -> None:
    for _ in range(3):
        dead = psutil.Process(_pid(run))
        dead.kill()
        dead.wait()
        assert _pid(run) != dead.pid


def test_memory__is_bounded(run: Run) -> None:
    with pytest.raises(MemoryError):
        run("eat", 5 << 30)
    _pid(run)


@pytest.mark.parametrize("how", ["hang", "hang_with_the_lock"])
def test_deadline__ends_whoever_hangs(run: Run, process: DecoderProcess, how: str, monkeypatch: Any) -> None:
    hanging = _pid(run)
    monkeypatch.setattr(process_module, "_GRACE_S", 0.1)
    monkeypatch.setattr(process, "_work", _work(deadline_s=0.5))
    with pytest.raises(TimeoutError):
        run(how, None)
    assert not psutil.pid_exists(hanging)
    monkeypatch.setattr(process, "_work", _work())
    _pid(run)


def test_stop__ends_the_process_and_whoever_waits_for_it(process: DecoderProcess) -> None:
    process.run(("echo", None))
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            process.run(("hang", None))
        except CancelledError as error:
            caught.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    # The other process is at it, and its thread waits.
    until(lambda: process._running is not None and process._running.running())
    process.stop()
    waiting.join()
    assert len(caught) == 1
    with pytest.raises(CancelledError):
        process.run(("echo", None))
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("how", ["pickle", "pickle_as_pebble", "pickle_as_array"])
def test_hostile_process__has_nothing_unpickled(run: Run, tmp_path: Path, how: str) -> None:
    before = _pid(run)
    with pytest.raises(UntrustedAnswerError, match="no answer"):
        run(how, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    # And it is gone: what comes next is asked of another one.
    assert _pid(run) != before


def test_payload__would_run_where_pickles_are_read(tmp_path: Path) -> None:
    """The test above would fail with pebble's own way."""
    reading, writing = multiprocessing.Pipe(duplex=False)
    writing.send(misbehaving.Payload(tmp_path / "run"))
    reading.recv()
    assert (tmp_path / "run").is_dir()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"arrays": [{"name": "x", "dtype": "float64", "shape": [2]}]}, "x has 8 bytes, and announced 16"),
        ({"arrays": [{"name": "x", "dtype": "int16", "shape": [1]}]}, "more than 2 bytes"),
        ({"arrays": [{"name": "x", "dtype": "int16", "shape": [1 << 30, 1 << 30]}]}, "the most is 1048576"),
        ({"arrays": [{"name": "x", "dtype": "int16", "shape": [-1]}]}, "no answer"),
        ({"arrays": [{"name": "x", "dtype": "float64", "shape": [1, 1, 1, 1, 1]}]}, "no answer"),
        ({"failure": {"type": "SystemExit"}}, "no answer"),
        ({"facts": {"long": "x" * (1 << 20)}}, "more than 262144 bytes"),
        ({"unknown": 1}, "no answer"),
    ],
)
def test_hostile_process__what_it_says_of_arrays_is_held_against_limits(
    process: DecoderProcess, header: dict[str, Any], message: str
) -> None:
    with pytest.raises(UntrustedAnswerError, match=message):
        process.run(("offer", header))


def test_hostile_process__cannot_raise_what_it_likes(process: DecoderProcess) -> None:
    with pytest.raises(UnexpectedError, match="SystemExit in a decoder's process: 3"):
        process.run(("offer", {"failure": {"type": "SystemExit", "message": "3"}}))


def test_process__yields_and_writes_no_core() -> None:
    nice = DecoderProcess(_work(niceness=5))
    try:
        process = psutil.Process(_pid(lambda what, value: nice.run((what, value))))
        assert process.nice() == os.nice(0) + 5
        assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    finally:
        nice.stop()


def test_still_working__begins_the_deadline_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = AnswersContext(multiprocessing.get_context("forkserver"), 1).Pipe()
    out = pebble_channel._AnswersOut(os.dup(theirs.fileno()), readable=False)
    monkeypatch.setattr(pebble_channel, "_current", None)
    pebble_channel.still_working()  # outside a job: nothing to say
    tasks = TaskManager(lambda: None)
    task = Task(7, ProcessFuture(), 60.0, TaskPayload(misbehaving.run, (), {}))
    tasks.register(task)
    out.send(Acknowledgement(123, 7))
    tasks.task_start(*reversed(astuple(ours.recv())))
    task.timestamp -= 61.0
    assert tasks.timeout_tasks() == (task,)
    pebble_channel.still_working()
    tasks.task_start(*reversed(astuple(ours.recv())))
    assert tasks.timeout_tasks() == ()
    for connection in (ours, theirs, out):
        connection.close()
