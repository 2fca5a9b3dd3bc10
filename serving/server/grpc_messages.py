"""Messages of calls, read when the call may come in, a few at once: gRPC says how large one is when it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from serving.server.errors import Overloaded

# Ten minutes of stereo are 115 MB, so these are some gigabytes at worst, from clients that have a key.
MAX_MESSAGES_AT_ONCE = 16
MAX_MESSAGES_WAITING = 32
# Those without a key have as many as those that have one, and neither take the other's.
MAX_NAMES_AT_ONCE = 64
MAX_CALLS_BEING_READ = MAX_MESSAGES_AT_ONCE + MAX_MESSAGES_WAITING + 2 * MAX_NAMES_AT_ONCE
# A message does not say how far it is: as a whole it may take as long as this many pauses of a REST body.
_PAUSES_A_MESSAGE = 20
# A name comes with its call, or one lost packet later. What is sent in its place by somebody without a key is held for
# no longer: so much memory as the network brings in these seconds.
_NAMES_A_PAUSE = 10


class MessageTimeoutError(Exception):
    """A message was not whole in time."""


class NoMessageError(Exception):
    """gRPC did not hand a message over; where that is for its size, the client has that answer already."""


class Messages:
    """Reads the one message of a unary call.

    Args:
        max_pause_s: How long a REST body may stand still; a message is given twenty times as long, once it is read,
            and waits as long for that. A message that is but a name is given a tenth.
    """

    def __init__(self, max_pause_s: float) -> None:
        self._max_pause_s = max_pause_s
        self._may_read = asyncio.Semaphore(MAX_MESSAGES_AT_ONCE)
        self._n_waiting = 0
        self._names = _Names(max_pause_s / _NAMES_A_PAUSE)
        self._open_names = _Names(max_pause_s / _NAMES_A_PAUSE)

    async def read(self, messages: AsyncIterator[bytes]) -> bytes | None:
        """The message of a call that came in; None where gRPC refused it as too large, or none came.

        Raises:
            MessageTimeoutError: It was not whole in time.
            Overloaded: Many others wait already, or its turn did not come in time.
        """
        await self._wait_for_turn()
        try:
            timeout_s = _PAUSES_A_MESSAGE * self._max_pause_s
            async with asyncio.timeout(timeout_s):
                return await _first(messages)
        except TimeoutError as error:
            raise MessageTimeoutError(f"the message was not whole after {timeout_s:g} s") from error
        finally:
            self._may_read.release()

    async def read_name(self, messages: AsyncIterator[bytes], *, is_open: bool) -> bytes | None:
        """Read the message of a call that holds hardly more than a model's name: it never waits for others.

        Args:
            messages: The call's messages, of which there is one.
            is_open: Whether the call needs no key.

        Raises:
            MessageTimeoutError: It was not whole in time.
            Overloaded: Many came after it, and its message did not.
        """
        return await (self._open_names if is_open else self._names).read(messages)

    async def _wait_for_turn(self) -> None:
        if self._may_read.locked() and self._n_waiting >= MAX_MESSAGES_WAITING:
            raise Overloaded("as many messages as may be are being sent, and many wait; try again")
        self._n_waiting += 1
        try:
            async with asyncio.timeout(self._max_pause_s):
                await self._may_read.acquire()
        except TimeoutError as error:
            raise Overloaded("as many messages as may be are being sent; try again") from error
        finally:
            self._n_waiting -= 1


class _Names:
    """Messages that are names: an honest one comes with its call, so where too many are read, the oldest gives way."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._being_read: list[asyncio.Timeout] = []  # the oldest first

    async def read(self, messages: AsyncIterator[bytes]) -> bytes | None:
        if len(self._being_read) >= MAX_NAMES_AT_ONCE:
            self._being_read.pop(0).reschedule(asyncio.get_running_loop().time())
        own = asyncio.timeout(self._timeout_s)
        try:
            async with own:
                self._being_read.append(own)
                return await _first(messages)
        except TimeoutError as error:
            if own not in self._being_read:
                raise Overloaded("many calls came, and the message of this one did not; try again") from error
            raise MessageTimeoutError(f"the message was not whole after {self._timeout_s:g} s") from error
        finally:
            if own in self._being_read:
                self._being_read.remove(own)


async def _first(messages: AsyncIterator[bytes]) -> bytes | None:
    async for message in messages:
        return message
    return None
