"""What stands for the rest of a cluster: files in place of its exporters, and who receives the notifications."""

from __future__ import annotations

import http.server
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# A CronJob's last success is of now: a file would grow old, and nothing of this month is about backups.
_LAST_SUCCESS = re.compile(rb"^(kube_cronjob_status_last_successful_time\S+ )\S+$", re.MULTILINE)
# Behind the title of a chat's message, so that it can be held against the plot.
SITES_OF_TITLE = " @{{ range .Alerts }} {{ .Labels.site }}{{ end }}"


@dataclass
class Notifications:
    """What Alertmanager sent.

    Attributes:
        received: (receiver, alert's name, site, `firing` or `resolved`), in order.
    """

    received: list[tuple[str, str, str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, path: str, content: dict[str, Any]) -> None:
        """Keep a message: of the webhook each alert, of the chat its headline for each site.

        Args:
            path: Where it was sent: the receiver's path.
            content: The message.
        """
        name = path.strip("/")
        with self._lock:
            for alert in content.get("alerts", ()):
                labels = alert["labels"]
                self.received.append((name, labels["alertname"], labels.get("site", ""), alert["status"]))
            for attachment in content.get("attachments", ()):
                status, _, alertname = attachment.get("title", "").partition(": ")
                alertname, _, sites = alertname.partition(" @")
                self.received += [(name, alertname, site, status.lower()) for site in sites.split() or [""]]


@contextmanager
def receiving() -> Iterator[tuple[Notifications, int]]:
    """Receive whatever is posted; gives what came, and the port."""
    notifications = Notifications()

    class Handler(_Quiet):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            notifications.add(self.path, json.loads(content))
            self._answer(b"ok", "text/plain")

    with _served(_Server(("127.0.0.1", 0), Handler)) as port:
        yield notifications, port


@contextmanager
def recorded_files(folder: Path, certificate: tuple[Path, Path] | None = None) -> Iterator[int]:
    """Serve a folder's expositions; gives the port.

    Args:
        folder: Files as an exporter writes them.
        certificate: Certificate and key; None: plain HTTP.
    """

    class Handler(_Quiet):
        def do_GET(self) -> None:
            path = folder / Path(self.path).name
            if not path.is_file():
                self.send_error(404)
                return
            now = str(time.time()).encode()
            self._answer(_LAST_SUCCESS.sub(rb"\g<1>" + now, path.read_bytes()), "text/plain; version=0.0.4")

    server = _Server(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with _served(server) as port:
        yield port


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who went away before the answer asks again."""


class _Quiet(http.server.BaseHTTPRequestHandler):
    def _answer(self, content: bytes, media_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        return None


@contextmanager
def _served(server: http.server.ThreadingHTTPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
