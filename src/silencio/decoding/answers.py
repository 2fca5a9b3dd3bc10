"""What a decoder's process may send: a line of JSON and raw arrays, each checked before it is believed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

import silencio.errors
from silencio.errors import DecodeError, SilencioError, UnexpectedError, UntrustedAnswerError

_MAX_HEADER_BYTES = 256 << 10
_MAX_TEXT = 4_000
# Failures that arrive as what they were; any other is an UnexpectedError with its text.
_FAILURES: dict[str, type[SilencioError]] = {
    name: kind
    for name, kind in vars(silencio.errors).items()
    if isinstance(kind, type) and issubclass(kind, SilencioError)
}


@dataclass(frozen=True)
class Answer:
    """What came of a job.

    Attributes:
        facts: Plain values, as JSON has them; small.
        arrays: int16, float32 or float64, of up to four dimensions.
    """

    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


_Name = Annotated[str, Field(max_length=64)]


class _ArrayHeader(_Strict):
    name: _Name
    dtype: Literal["int16", "float32", "float64"]
    shape: Annotated[list[Annotated[int, Field(ge=0, lt=1 << 40)]], Field(max_length=4)]

    @property
    def n_bytes(self) -> int:
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


class _Failure(_Strict):
    type: _Name
    message: Annotated[str, Field(max_length=_MAX_TEXT)]
    kind: _Name = ""
    traceback: Annotated[str, Field(max_length=_MAX_TEXT)] = ""


class _Header(_Strict):
    task: int
    facts: dict[str, JsonValue] = {}
    arrays: list[_ArrayHeader] = []
    failure: _Failure | None = None
    # Of the process that has just begun with the task; such a message has nothing else.
    begun_by: int | None = None


@dataclass(frozen=True)
class Begun:
    """A process has begun with a task, or is still at it."""

    task: int
    process_id: int


@dataclass(frozen=True)
class Ended:
    """What came of a task."""

    task: int
    outcome: Answer | Exception


def send_begun(connection: Connection, begun: Begun) -> None:
    """Say that work begins or goes on."""
    _send_header(connection, _Header(task=begun.task, begun_by=begun.process_id))


def send_ended(connection: Connection, task: int, outcome: object, traceback: str = "") -> None:
    """Send what a function returned or raised.

    Raises:
        TypeError: It is neither an `Answer` of plain values and such arrays nor an exception.
    """
    if isinstance(outcome, BaseException):
        failure = _Failure(
            type=_type_name(outcome),
            message=str(outcome)[:_MAX_TEXT],
            kind=outcome.kind if isinstance(outcome, DecodeError) else "",
            traceback=traceback[-_MAX_TEXT:],
        )
        _send_header(connection, _Header(task=task, failure=failure))
        return
    if not isinstance(outcome, Answer):
        raise TypeError(f"a decoder's process sends an Answer, not {type(outcome).__name__}")
    arrays = {name: np.ascontiguousarray(array) for name, array in outcome.arrays.items()}
    try:
        headers = [
            _ArrayHeader.model_validate({"name": name, "dtype": str(array.dtype), "shape": list(array.shape)})
            for name, array in arrays.items()
        ]
        header = _Header(task=task, facts=dict(outcome.facts), arrays=headers)
    except ValidationError as error:
        raise TypeError(f"an Answer that cannot be sent: {error}") from error
    _send_header(connection, header)
    for array in arrays.values():
        connection.send_bytes(array.reshape(-1).view(np.uint8).data)


def _type_name(error: BaseException) -> str:
    """Of the nearest class that is known where it arrives: an error of one room is there what it is made of."""
    known = (kind.__name__ for kind in type(error).__mro__ if kind is MemoryError or kind in _FAILURES.values())
    return next(known, type(error).__name__)[:64]


def _send_header(connection: Connection, header: _Header) -> None:
    text = header.model_dump_json(exclude_defaults=True).encode()
    if len(text) > _MAX_HEADER_BYTES:
        raise TypeError(f"an Answer's facts are {len(text)} bytes of JSON, the most is {_MAX_HEADER_BYTES}: use arrays")
    connection.send_bytes(text)


def receive(connection: Connection, max_bytes: int) -> Begun | Ended:
    """The next message.

    Args:
        connection: Connection to a process that is not trusted.
        max_bytes: Size limit of all arrays together: nothing larger is read.

    Raises:
        UntrustedAnswerError: It is not what a decoder of ours sends, or longer than it may be.
        EOFError: Nothing comes any more.
    """
    text = _receive_bytes(connection, _MAX_HEADER_BYTES)
    try:
        header = _Header.model_validate_json(text)
    except ValidationError as error:
        what = error.errors(include_url=False, include_input=False)[0]
        raise UntrustedAnswerError(f"a decoder sent {len(text)} bytes that are no answer ({what['msg']})") from error
    if header.begun_by is not None:
        return Begun(header.task, header.begun_by)
    if header.failure is not None:
        return Ended(header.task, _error(header.failure))
    n_bytes = sum(one.n_bytes for one in header.arrays)
    if n_bytes > max_bytes:
        raise UntrustedAnswerError(f"a decoder offers {n_bytes} bytes of arrays, the most is {max_bytes}")
    arrays = {one.name: _receive_array(connection, one) for one in header.arrays}
    return Ended(header.task, Answer(header.facts, arrays))


def _receive_array(connection: Connection, header: _ArrayHeader) -> NDArray[np.generic]:
    content = _receive_bytes(connection, header.n_bytes)
    if len(content) != header.n_bytes:
        raise UntrustedAnswerError(f"{header.name} has {len(content)} bytes, and announced {header.n_bytes}")
    return np.frombuffer(content, header.dtype).reshape(header.shape)


def _receive_bytes(connection: Connection, max_bytes: int) -> bytes:
    """One portion, whose length is looked at before anything of it is read."""
    try:
        return connection.recv_bytes(max_bytes)
    except OSError as error:
        raise UntrustedAnswerError(f"a decoder sent more than {max_bytes} bytes at once ({error})") from error


def _error(failure: _Failure) -> Exception:
    error: Exception
    if failure.type == DecodeError.__name__:
        error = DecodeError(failure.message, failure.kind or "other")
    elif failure.type == MemoryError.__name__:
        error = MemoryError(failure.message)
    elif failure.type in _FAILURES:
        error = _FAILURES[failure.type](failure.message)
    else:
        error = UnexpectedError(f"{failure.type} in a decoder's process: {failure.message}")
    if failure.traceback:
        error.add_note(failure.traceback)
    return error
