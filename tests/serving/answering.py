"""A server that answers as a test wants it: for what the real one must never do."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_NAMES = {"code": "grekis", "scientific_name": "Pitangus sulphuratus", "common_name": "Great Kiskadee"}
_SPECIES = {**_NAMES, "class_name": "Aves", "probability": 0.75}
WELL = {
    "predictions": [
        {
            "windows": [
                {
                    "start_s": 0.0,
                    "end_s": 5.0,
                    "species": [
                        {**_SPECIES, "raw_probability": 0.75, "passes_threshold": True, "dropped_by": None},
                    ],
                }
            ],
            "detections": [{"start_s": 0.0, "end_s": 5.0, **_SPECIES}],
            "duration_s": 5.0,
        }
    ],
}


@dataclass
class Answering:
    """What it answers: each of `answers` once (status, body, headers), then `default`."""

    url: str = ""
    answers: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    default: tuple[int, Any, dict[str, str]] = (200, WELL, {})
    fails_on: bytes = b""
    received_s: list[float] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    n_cut: int = 0


@contextlib.contextmanager
def answering(tls: tuple[Path, Path] | None = None) -> Iterator[Answering]:
    """On loopback; by TLS where it has a certificate and its key."""
    about = Answering()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            wanted = int(self.headers["Content-Length"])
            try:
                body = self.rfile.read(wanted)
            except ConnectionResetError:
                body = b""
            if len(body) < wanted:
                about.n_cut += 1
                self.close_connection = True
                return
            about.received_s.append(time.monotonic())
            about.paths.append(self.path)
            about.headers.append({name.lower(): value for name, value in self.headers.items()})
            about.bodies.append(body)
            status, content, headers = about.answers.pop(0) if about.answers else about.default
            if about.fails_on and about.fails_on in body:
                status, content = 500, {"error": "internal error"}
            text = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        # The handshake is the handler's: in `accept`, one client that says nothing would hold all others up.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.handle_error = lambda *arguments: None  # type: ignore[method-assign]  # a client that refuses it
    about.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield about
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
