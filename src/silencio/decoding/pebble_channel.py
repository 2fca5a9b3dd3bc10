"""Pebble's way between a pool and its processes, with `answers` in place of pickles on the way back.

Pebble sends jobs and results through pipes that pickle, and asks a multiprocessing context for these pipes. The context
here makes pipes whose reading ends, in the process that made them, understand `answers` alone; what travels to another
process becomes the other kind: there the reading end unpickles jobs, and the writing end sends answers.
"""

from __future__ import annotations

import os
import time
from multiprocessing import reduction
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any

from pebble.common.types import RemoteException, Result, ResultStatus
from pebble.pool.process import Acknowledgement, TaskProblem, TaskResult

from silencio.decoding.answers import Begun, receive, send_begun, send_ended
from silencio.errors import UntrustedAnswerError


class AnswersContext:
    """A multiprocessing context for one pool of pebble's.

    Args:
        context: Context by which processes are started.
        max_answer_bytes: Size limit of all arrays of an answer.

    Attributes:
        received_at_s: When the pool's processes last sent something, by `time.monotonic`; at first, when it was made.
    """

    def __init__(self, context: BaseContext, max_answer_bytes: int) -> None:
        self._context = context
        self.max_answer_bytes = max_answer_bytes
        self.received_at_s = time.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def Pipe(self, duplex: bool = False) -> tuple[Connection, Connection]:  # noqa: N802  # multiprocessing's name
        """A pipe of one direction, as pebble wants them."""
        if duplex:
            raise ValueError("a way there and back on one pipe would be read by both sides")
        reading, writing = os.pipe()
        return _Answers(reading, self), _Jobs(writing, readable=False)


class _Answers(Connection):
    """The end at which answers come."""

    def __init__(self, handle: int, context: AnswersContext) -> None:
        super().__init__(handle, writable=False)
        self._context = context

    def recv(self) -> Acknowledgement | TaskResult:
        """As pebble's own messages.

        Raises:
            OSError: It is none, because of an `UntrustedAnswerError`; pebble then gives its pool up.
        """
        try:
            message = receive(self, self._context.max_answer_bytes)
        except UntrustedAnswerError as error:
            raise OSError(str(error)) from error
        self._context.received_at_s = time.monotonic()
        if isinstance(message, Begun):
            return Acknowledgement(message.process_id, message.task)
        status = ResultStatus.FAILURE if isinstance(message.outcome, Exception) else ResultStatus.SUCCESS
        return TaskResult(message.task, Result(status, message.outcome))


class _Jobs(Connection):
    """The end into which jobs are put: pickled, for whoever reads them trusts this process."""


class _AnswersOut(Connection):
    """A `_Jobs` in another process: there it takes answers."""

    begun: Begun | None = None

    def send(self, obj: object) -> None:
        """One of pebble's messages.

        Raises:
            TypeError: It holds what cannot be sent; pebble sends the error instead.
        """
        global _current
        if isinstance(obj, Acknowledgement):
            self.begun = Begun(obj.task, obj.worker)
            _current = self
            send_begun(self, self.begun)
        elif isinstance(obj, TaskResult) and isinstance(obj.result.value, RemoteException):
            remote = obj.result.value
            send_ended(self, obj.task, remote.exception, remote.traceback)
        elif isinstance(obj, TaskResult):
            send_ended(self, obj.task, obj.result.value)
        elif isinstance(obj, TaskProblem):
            send_ended(self, obj.task, obj.error)
        else:
            raise TypeError(f"pebble sends {type(obj).__name__}, of which nothing is known here")


_current: _AnswersOut | None = None


def still_working() -> None:
    """In a pool's process: begin the job's deadline anew."""
    if _current is not None and _current.begun is not None:
        send_begun(_current, _current.begun)


def _reduce_answers(connection: _Answers) -> tuple[Any, ...]:
    return _jobs_in, (reduction.DupFd(connection.fileno()),)


def _reduce_jobs(connection: _Jobs) -> tuple[Any, ...]:
    return _answers_out, (reduction.DupFd(connection.fileno()),)


def _jobs_in(handle: Any) -> Connection:
    return Connection(handle.detach(), writable=False)


def _answers_out(handle: Any) -> _AnswersOut:
    return _AnswersOut(handle.detach(), readable=False)


reduction.register(_Answers, _reduce_answers)
reduction.register(_Jobs, _reduce_jobs)
