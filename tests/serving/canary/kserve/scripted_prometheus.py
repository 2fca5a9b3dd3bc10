"""A Prometheus over HTTP whose visitors come with each reading, split between the arms as the cluster splits them.

Time decides nothing: each moment that is asked for finds so many sessions more, whatever the machine's speed.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_ARMS = ("champion", "challenger")
Series = list[tuple[dict[str, str], float]]


@dataclass
class ScriptedPrometheus:
    """Counters of both arms' transformers.

    Attributes:
        share_percent: What the cluster routes to the challenger now.
        sessions_per_reading: Sessions of both arms between two readings.
        failing: Share of each arm's sessions that fail.
        empty_from_percent: From this share on nobody comes, and the step waits.
        is_silent: It answers 503.
        n_readings: Moments that were asked for.
        extra: What else is known, by a word of the query.
    """

    share_percent: Callable[[], float]
    sessions_per_reading: int = 8_000
    failing: dict[str, float] = field(default_factory=dict)
    empty_from_percent: float = 200.0
    is_silent: bool = False
    n_readings: int = 0
    extra: dict[str, Series] = field(default_factory=dict)
    _sessions: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_ARMS, 0.0))
    _failed: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_ARMS, 0.0))
    _at: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def query(self, text: str, at: str) -> Series:
        """The series that a query finds at a moment."""
        with self._lock:
            if at != self._at:
                self._at = at
                self._let_come()
            for word, series in self.extra.items():
                if word in text:
                    return series
            if "silencio_requests_total" in text:
                return [
                    ({**labels, "status": status}, value)
                    for labels, n, failed in self._arms()
                    for status, value in (("200", n - failed), ("500", failed))
                ]
            if "increase(" in text:
                return [({"le": le}, 1_000.0) for le in ("0.2", "+Inf")] if "bucket" in text else []
            if "silencio_failed_sessions_total" in text:
                return [(labels, failed) for labels, _, failed in self._arms()]
            if "silencio_sessions_total" in text:
                return [(labels, n) for labels, n, _ in self._arms()]
            if re.search("silencio_(slow|rejected)_sessions_total", text):
                return [(labels, 0.0) for labels, _, _ in self._arms()]
            return [(labels, 1.0) for labels, _, _ in self._arms()] if "up{" in text else []

    def _arms(self) -> list[tuple[dict[str, str], float, float]]:
        return [
            ({"arm": arm, "instance": f"{arm}:8080"}, float(int(self._sessions[arm])), float(int(self._failed[arm])))
            for arm in _ARMS
        ]

    def _let_come(self) -> None:
        self.n_readings += 1
        share = self.share_percent() / 100.0
        if 100.0 * share >= self.empty_from_percent:
            return
        for arm, of_arm in (("challenger", share), ("champion", 1.0 - share)):
            n = self.sessions_per_reading * of_arm
            self._sessions[arm] += n
            self._failed[arm] += n * self.failing.get(arm, 0.0)


@contextmanager
def answering(prometheus: ScriptedPrometheus) -> Iterator[str]:
    """It over HTTP on loopback; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            query = parse_qs(urlsplit(self.path).query)
            found = prometheus.query(query["query"][0], query["time"][0])
            result = [{"metric": labels, "value": [0, str(value)]} for labels, value in found]
            body: dict[str, Any] = {"status": "success", "data": {"resultType": "vector", "result": result}}
            content = json.dumps(body).encode()
            self.send_response(503 if prometheus.is_silent else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
