"""A real HTTP server of one file, that may know ranges or not, and may break off."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What it serves, and what it was asked.

    Attributes:
        content: The file.
        knows_ranges: Whether it answers a range with the rest.
        most_bytes: It breaks every answer off after so many; None: it does not.
        status: Answered in place of the file; None: the file.
        ranges: The Range header of every request, in order.
        address: Of the file.
    """

    content: bytes
    knows_ranges: bool = True
    max_bytes: int | None = None
    status: int | None = None
    ranges: list[str | None] = field(default_factory=list)
    address: str = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[FileServer]:
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requested = self.headers["Range"]
                served.ranges.append(requested)
                start = int(re.fullmatch(r"bytes=(\d+)-", requested)[1]) if requested and served.knows_ranges else 0
                rest = served.content[start:]
                if served.status or (start and not rest):
                    self.send_error(served.status or 416)
                    return
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(rest)))
                self.end_headers()
                self.wfile.write(rest[: served.max_bytes])

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{server.server_port}/weights.bin"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
