"""The body of a REST request, read within the limits: piece by piece as it comes, or whole and unpacked."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from serving.server.admission import Share
from serving.server.content_coding import Unpacker
from serving.server.errors import RefusalError


class RequestBody:
    """One body.

    Args:
        receive: ASGI's.
        share: The request's part of the load.
        max_bytes: More of it is refused, as it comes and unpacked.

    Attributes:
        longest_pause_s: A body that stands still for so long is given up; None for a request whose body is not read.
        received: Set when nothing more of it can come.
    """

    def __init__(self, receive: Receive, share: Share, max_bytes: int) -> None:
        self.longest_pause_s: float | None = None
        self._receive = receive
        self._share = share
        self._max_bytes = max_bytes
        self._n_received_bytes = 0
        self.received = asyncio.Event()
        self._whole: bytes | None = None

    async def receive(self) -> Message:
        """ASGI's, counted: a chunked body declares no size.

        Raises:
            RefusalError: It is too large, or stands still.
            Overloaded: There is no room for it.
        """
        if self._whole is not None:
            body, self._whole = self._whole, None
            return {"type": "http.request", "body": body, "more_body": False}
        if self.received.is_set():
            return await self._receive()
        message = await self._next_message()
        self._share.hold(len(message.get("body", b"")))
        self._work_if_received()
        return message

    async def read_whole(self, coding: str) -> int:
        """Read it before the application asks for it; `receive` then gives it in one piece.

        Args:
            coding: How it is packed, by `content_coding`; empty where it is not.

        Returns:
            Its bytes, unpacked.

        Raises:
            ClientDisconnect: The client left.
            RefusalError: As by `receive`; the limit holds for what was unpacked, too. Or the bytes are not packed so.
            Overloaded: There is no room for it.
        """
        unpacker = Unpacker(coding) if coding else None
        pieces: list[bytes] = []
        n_bytes = 0
        while not self.received.is_set():
            message = await self._next_message()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece = message.get("body", b"")
            for part in unpacker.unpack(piece) if unpacker else (piece,):
                n_bytes += len(part)
                if n_bytes > self._max_bytes:
                    raise too_large(self._max_bytes, " once unpacked")
                self._share.hold(len(part))
                pieces.append(part)
                # Others are answered meanwhile: a kilobyte may hold a megabyte.
                await asyncio.sleep(0)
        if unpacker:
            unpacker.finish()
        self._work_if_received()
        self._whole = b"".join(pieces)
        return n_bytes

    async def _next_message(self) -> Message:
        try:
            async with asyncio.timeout(self.longest_pause_s):
                message = await self._receive()
        except TimeoutError as error:
            text = f"nothing more of the body came for {self.longest_pause_s:g} s"
            raise RefusalError(408, text, Connection="close") from error
        self._n_received_bytes += len(message.get("body", b""))
        if self._n_received_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        if message["type"] == "http.request" and not message.get("more_body", False):
            self.received.set()
        return message

    def _work_if_received(self) -> None:
        if self.received.is_set() and self.longest_pause_s is not None:
            self._share.work()


def too_large(max_bytes: int, when: str = "") -> RefusalError:
    """The answer to a body above the limit."""
    return RefusalError(413, f"the body is larger than {max_bytes} bytes{when}, the most that is taken")
