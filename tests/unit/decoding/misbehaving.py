"""Work for a decoder's process that does, on demand, what a hostile file could have it do."""

from __future__ import annotations

import gc
import json
import os
import pickle
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from pebble.pool.channel import WorkerChannel

from silencio.decoding import pebble_channel
from silencio.decoding.answers import Answer
from silencio.errors import BundleError, DecodeError

Job = tuple[str, Any]


class Payload:
    """Unpickled, it writes a file: what an attacker would have run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def begin(fails: bool = False) -> None:
    if fails:
        raise BundleError("this bundle is another one")


def run(job: Job) -> Answer:
    what, value = job
    return globals()[f"_{what}"](value)  # type: ignore[no-any-return]


def _connection() -> Connection:
    assert pebble_channel._current is not None
    return pebble_channel._current


def _send(*messages: bytes) -> Answer:
    for message in messages:
        _connection().send_bytes(message)
    return Answer({"lied": True})


def _task() -> int:
    assert pebble_channel._current is not None
    assert pebble_channel._current.begun is not None
    return pebble_channel._current.begun.task


def _echo(value: Any) -> Answer:
    return Answer({"value": value, "pid": os.getpid()})


def _arrays(arrays: dict[str, np.ndarray]) -> Answer:
    return Answer({}, arrays)


def _die(number: int) -> Answer:
    os.kill(os.getpid(), number)
    signal.pause()
    raise AssertionError


def _die_once(marker: Path) -> Answer:
    if marker.exists():
        return Answer({"pid": os.getpid()})
    marker.touch()
    return _die(signal.SIGKILL)


class _PrivateError(DecodeError):
    """As a decoder's own room may define for itself."""


def _refuse(kind: str) -> Answer:
    raise DecodeError("this is no recording", kind)


def _refuse_privately(kind: str) -> Answer:
    raise _PrivateError("this is no recording", kind)


def _fault(text: str) -> Answer:
    raise ZeroDivisionError(text)


def _eat(n_bytes: int) -> Answer:
    return Answer({}, {"eaten": np.ones(n_bytes // 4, np.float32)})


def _hang(_: object) -> Answer:
    signal.pause()
    raise AssertionError


def _hang_with_the_lock(_: object) -> Answer:
    """Pebble does not end whom it cannot lock."""
    (channel,) = (one for one in gc.get_objects() if isinstance(one, WorkerChannel))
    channel.mutex.acquire()
    return _hang(None)


def _answer_with_an_object(_: object) -> Answer:
    return Path("/")  # type: ignore[return-value]


def _pickle(path: Path) -> Answer:
    return _send(pickle.dumps(Payload(path)))


def _pickle_as_pebble(path: Path) -> Answer:
    """The way that results came before."""
    Connection.send(_connection(), Payload(path))
    return Answer()


def _pickle_as_array(path: Path) -> Answer:
    header = {"task": _task(), "arrays": [{"name": "x", "dtype": "object", "shape": [1]}]}
    return _send(json.dumps(header).encode(), pickle.dumps(np.array([Payload(path)])))


def _offer(header: dict[str, Any]) -> Answer:
    return _send(json.dumps({"task": _task(), **header}).encode(), b"12345678")
