"""A client of HTTP/2 that sends a gRPC message as fast as the server lets it, and counts: libraries hide how much."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field

from tests.waiting import HANG_S

_DATA, _HEADERS, _RST, _SETTINGS, _PING, _WINDOW = 0, 1, 3, 4, 6, 8
_ACK = _END_STREAM = 1
_END_HEADERS = 4
_INITIAL_WINDOW_SIZE = 4
_MAX_FRAME_BYTES = 16_384


@dataclass
class Call:
    """What became of a call.

    Attributes:
        n_sent_bytes: Of the message, which the server allowed.
        trailers: As they stand on the wire: names and values that are not packed can be read in it.
    """

    n_sent_bytes: int = 0
    trailers: bytes = b""
    _windows: dict[int, int] = field(default_factory=lambda: {0: 65_535, 1: 65_535})
    _initial_window: int = 65_535
    _ended: bool = False

    @property
    def n_may_send_bytes(self) -> int:
        return min(self._windows.values())

    def sent(self, n_bytes: int) -> None:
        self.n_sent_bytes += n_bytes
        for stream in self._windows:
            self._windows[stream] -= n_bytes

    def take(self, connection: socket.socket, kind: int, flags: int, stream: int, content: bytes) -> bool:
        """Whether the call goes on after this frame."""
        if kind == _SETTINGS and not flags & _ACK:
            for place in range(0, len(content), 6):
                name, value = struct.unpack_from(">HI", content, place)
                if name == _INITIAL_WINDOW_SIZE:
                    self._windows[1] += value - self._initial_window
                    self._initial_window = value
            connection.sendall(_frame(_SETTINGS, _ACK, 0))
        elif kind == _WINDOW:
            self._windows[stream] += int.from_bytes(content)
        elif kind == _PING and not flags & _ACK:
            connection.sendall(_frame(_PING, _ACK, 0, content))
        elif kind == _HEADERS:
            self.trailers += content
        return not (kind == _RST or (kind == _HEADERS and flags & _END_STREAM))


def send_message(port: int, method: str, n_bytes: int, **metadata: str) -> Call:
    """Begin a call with a message of so many zeros, and send of it what the server takes, until it answers.

    Args:
        port: On loopback.
        method: Like `/package.Service/Method`.
        n_bytes: Of the message.
        metadata: `_` stands for `-`.
    """
    heads = {":method": "POST", ":scheme": "http", ":path": method, ":authority": "localhost", "te": "trailers"}
    heads |= {"content-type": "application/grpc"} | {name.replace("_", "-"): value for name, value in metadata.items()}
    call, left = Call(), struct.pack(">BI", 0, n_bytes)
    n_left = len(left) + n_bytes
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_S) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0))
        connection.sendall(_frame(_HEADERS, _END_HEADERS, 1, b"".join(map(_header, heads.items()))))
        while True:
            while n := min(call.n_may_send_bytes, n_left, _MAX_FRAME_BYTES):
                n_left -= n
                connection.sendall(_frame(_DATA, 0 if n_left else _END_STREAM, 1, left[:n].ljust(n, b"\0")))
                left = left[n:]
                call.sent(n)
            head = _receive(connection, 9)
            content = _receive(connection, int.from_bytes(head[:3]))
            if not call.take(connection, head[3], head[4], int.from_bytes(head[5:]), content):
                return call


def _receive(connection: socket.socket, n_bytes: int) -> bytes:
    content = b""
    while len(content) < n_bytes:
        piece = connection.recv(n_bytes - len(content))
        assert piece, "the server closed the connection"
        content += piece
    return content


def _frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    return len(content).to_bytes(3) + struct.pack(">BBI", kind, flags, stream) + content


def _header(header: tuple[str, str]) -> bytes:
    """A literal that is not indexed (RFC 7541, 6.2.2); each part shorter than 127 bytes."""
    return b"\0" + b"".join(bytes([len(one)]) + one.encode() for one in header)
