"""Messages of calls, read when the call may come in, a few at once: gRPC says how large one is when it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from serving.errors import Overloaded

# Ten minutes of stereo are 115 MB, so these are some gigabytes at worst, from clients that have a key.
MAX_MESSAGES_AT_ONCE = 16
# A probe's message is a name.
MAX_PROBES_AT_ONCE = 4
_MAX_PROBES_WAITING = 64
# A message does not say how far it is: as a whole it may take as long as this many pauses of a REST body.
_PAUSES_A_MESSAGE = 20


class MessageTimeoutError(Exception):
    """A message was not whole in time."""


class NoMessageError(Exception):
    """gRPC did not hand a message over; where that is for its size, the client was told so already."""


class Messages:
    """Reads the one message of a unary call.

    Args:
        max_pause_s: How long a REST body may stand still; a message is given twenty times as long, a probe's as long.
    """

    def __init__(self, max_pause_s: float) -> None:
        self._max_pause_s = max_pause_s
        self._may_read = asyncio.Semaphore(MAX_MESSAGES_AT_ONCE)
        self._may_probe = asyncio.Semaphore(MAX_PROBES_AT_ONCE)
        self._n_probes = 0

    async def read(self, messages: AsyncIterator[bytes]) -> bytes | None:
        """The message of a call that came in; None where gRPC refused it as too large, or none came.

        Raises:
            MessageTimeoutError: It was not whole in time.
        """
        async with self._may_read:
            return await _first(messages, _PAUSES_A_MESSAGE * self._max_pause_s)

    async def read_probe(self, messages: AsyncIterator[bytes]) -> bytes | None:
        """Likewise, of a call that needs no key.

        Raises:
            MessageTimeoutError: It was not whole in time.
            Overloaded: Many others are being read.
        """
        if self._n_probes >= MAX_PROBES_AT_ONCE + _MAX_PROBES_WAITING:
            raise Overloaded("too many probes have not sent their message yet; try again")
        self._n_probes += 1
        try:
            async with self._may_probe:
                return await _first(messages, self._max_pause_s)
        finally:
            self._n_probes -= 1


async def _first(messages: AsyncIterator[bytes], timeout_s: float) -> bytes | None:
    try:
        async with asyncio.timeout(timeout_s):
            async for message in messages:
                return message
    except TimeoutError as error:
        raise MessageTimeoutError(f"the message was not whole after {timeout_s:g} s") from error
    return None
