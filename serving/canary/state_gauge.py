"""`silencio_release_state{release,state}` on the judge's own /metrics: 1 for a release's state, 0 for all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from serving.server.protocol import LOOPBACK
from silencio.release.record import ReleaseRecord, State


def release_gauge(registry: CollectorRegistry) -> Callable[[ReleaseRecord], None]:
    """What to call with every record that was written.

    Args:
        registry: Where the gauge is.
    """
    gauge = Gauge("silencio_release_state", "1 for the state of the release.", ["release", "state"], registry=registry)
    share = Gauge("silencio_release_share", "Share of new sessions at the challenger.", ["release"], registry=registry)

    def show(record: ReleaseRecord) -> None:
        for state in get_args(State):
            gauge.labels(record.release_id, state).set(state == record.state)
        share.labels(record.release_id).set(record.share_percent / 100.0)

    return show


def serve_gauge(port: int, host: str = LOOPBACK) -> Callable[[ReleaseRecord], None]:
    """Serve the gauge at `/metrics`; a thread of this process does.

    Args:
        port: Where.
        host: Address to listen on.

    Raises:
        OSError: The port is taken.
    """
    registry = CollectorRegistry()
    start_http_server(port, host, registry)
    return release_gauge(registry)
