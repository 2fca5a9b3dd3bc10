"""Figures that a server has before, and without, a bundle. One process serves one bundle, and has one registry."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUEST_BUCKETS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

_REQUESTS = Counter(
    "silencio_requests", "Requests by route and status, HTTP's or gRPC's.", ["version", "route", "status"]
)
_REQUEST_SECONDS = Histogram(
    "silencio_request_seconds",
    "From a request's head to the end of its answer.",
    ["version", "route"],
    buckets=REQUEST_BUCKETS_S,
)
_LOG_WRITTEN = Counter("silencio_prediction_log_written", "Rows of the prediction log that were written.", ["version"])
_LOG_DROPPED = Counter(
    "silencio_prediction_log_dropped", "Rows of the prediction log that were not.", ["version", "reason"]
)

_served_version = ""


def say_version(version: str) -> None:
    """From now on this process serves this bundle; before, the label is empty."""
    global _served_version
    _served_version = version


def count_request(route: str, status: str, seconds: float) -> None:
    """One request was answered.

    Args:
        route: Its template, of a bounded list.
        status: HTTP's number, or gRPC's name.
        seconds: From its head to the end of its answer.
    """
    _REQUESTS.labels(_served_version, route, status).inc()
    _REQUEST_SECONDS.labels(_served_version, route).observe(seconds)


def count_log_written(n_rows: int) -> None:
    """Rows of the prediction log were written."""
    _LOG_WRITTEN.labels(_served_version).inc(n_rows)


def count_log_dropped(reason: str, n_rows: int) -> None:
    """Rows of the prediction log were dropped."""
    _LOG_DROPPED.labels(_served_version, reason).inc(n_rows)
