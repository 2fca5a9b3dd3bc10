"""Metrics that a server has before, and without, a bundle. One process serves one bundle, and has one registry."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Histogram, disable_created_metrics

# A series for each of ours that says when it began, which `increase` does not ask.
disable_created_metrics()  # type: ignore[no-untyped-call]  # it takes nothing

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

# As `serving.prediction_log` drops them while a scrape can still see it.
LOG_DROP_REASONS = ("full", "invalid")

_served_version = ""
_expected_requests: set[tuple[str, str]] = set()
_is_log_expected = False


def set_served_version(version: str) -> None:
    """Set the version that this process serves from now on; before, the label is empty."""
    global _served_version
    _served_version = version
    _begin()


def expect_requests(routes: Iterable[str], statuses: Iterable[str]) -> None:
    """Begin these series at 0: of one that begins at 1, `increase` and `rate` do not see the first event."""
    _expected_requests.update((route, status) for status in statuses for route in routes)
    _begin()


def expect_log() -> None:
    """Begin the prediction log's series at 0."""
    global _is_log_expected
    _is_log_expected = True
    _begin()


def _begin() -> None:
    for route, status in _expected_requests:
        _REQUESTS.labels(_served_version, route, status)
        _REQUEST_SECONDS.labels(_served_version, route)
    if _is_log_expected:
        _LOG_WRITTEN.labels(_served_version)
        for reason in LOG_DROP_REASONS:
            _LOG_DROPPED.labels(_served_version, reason)


def count_request(route: str, status: str, seconds: float | None) -> None:
    """Count one request that was answered.

    Args:
        route: The route's template, of a bounded list.
        status: HTTP's number, or gRPC's name, of its answer.
        seconds: Time from its head to the end of its answer; None where it had no whole head.
    """
    _REQUESTS.labels(_served_version, route, status).inc()
    if seconds is not None:
        _REQUEST_SECONDS.labels(_served_version, route).observe(seconds)


def count_log_written(n_rows: int) -> None:
    """Count rows of the prediction log that were written."""
    _LOG_WRITTEN.labels(_served_version).inc(n_rows)


def count_log_dropped(reason: str, n_rows: int) -> None:
    """Count rows of the prediction log that were dropped."""
    _LOG_DROPPED.labels(_served_version, reason).inc(n_rows)
