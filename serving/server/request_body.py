"""The body of a REST request, read within the limits: piece by piece as it comes, or whole and unpacked."""

from __future__ import annotations

import asyncio
import time

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from serving.server.accounting import RequestAccount
from serving.server.admission import Ticket
from serving.server.content_coding import Unpacker
from serving.server.errors import RefusalError


class RequestBody:
    """The body of one request.

    Args:
        receive: ASGI's function.
        ticket: The request's part of what is admitted.
        max_bytes: Largest body that is taken, as it comes and unpacked.
        account: Told when the body is whole.

    Attributes:
        body_read_timeout_s: A body that stands still for so long is given up; None where the body is not read.
        received: Set when nothing more of it can come.
    """

    def __init__(self, receive: Receive, ticket: Ticket, max_bytes: int, account: RequestAccount) -> None:
        self.body_read_timeout_s: float | None = None
        self._receive = receive
        self._ticket = ticket
        self._max_bytes = max_bytes
        self._account = account
        self._n_received_bytes = 0
        self.received = asyncio.Event()
        self._whole: bytes | None = None

    async def receive(self) -> Message:
        """Receive the next message by ASGI, counted: a chunked body declares no size.

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
        self._ticket.hold(len(message.get("body", b"")))
        self._begin_work_if_received()
        return message

    async def read_whole(self, coding: str) -> int:
        """Read it before the application asks for it; `receive` then gives it in one piece.

        Args:
            coding: Its content coding, by `content_coding`; empty where it is not packed.

        Returns:
            Its bytes, unpacked.

        Raises:
            ClientDisconnect: The client left.
            RefusalError: It is too large, as it came or unpacked, stands still, or is not packed so.
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
                self._ticket.hold(len(part))
                pieces.append(part)
                # Others are answered meanwhile: a kilobyte may hold a megabyte.
                await asyncio.sleep(0)
        if unpacker:
            unpacker.finish()
        self._begin_work_if_received()
        self._whole = b"".join(pieces)
        return n_bytes

    async def _next_message(self) -> Message:
        try:
            async with asyncio.timeout(self.body_read_timeout_s):
                message = await self._receive()
        except TimeoutError as error:
            text = f"nothing more of the body came for {self.body_read_timeout_s:g} s"
            raise RefusalError(408, text, Connection="close") from error
        self._n_received_bytes += len(message.get("body", b""))
        if self._n_received_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._account.received_s = time.perf_counter()
            self.received.set()
        return message

    def _begin_work_if_received(self) -> None:
        if self.received.is_set() and self.body_read_timeout_s is not None:
            self._ticket.begin_work()


def too_large(max_bytes: int, when: str = "") -> RefusalError:
    """The answer to a body above the limit."""
    return RefusalError(413, f"the body is larger than {max_bytes} bytes{when}, the most that is taken")
