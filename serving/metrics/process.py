"""Metrics that a server has before, and without, a bundle. One process serves one bundle, and has one registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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
# A judge of releases looks at these alone: a phone's slow upload or download is no bundle's slowness.
ANSWER_BUCKETS_S = (
    *(0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3),
    *(0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0),
)
_ANSWER_SECONDS = Histogram(
    "silencio_answer_seconds",
    "From a prediction request's last byte to its computed answer, of requests that were answered by 200.",
    ["version", "priority"],
    buckets=ANSWER_BUCKETS_S,
)
_MARKED_REQUESTS = Counter(
    "silencio_marked_requests",
    "Prediction requests that are no visitor's and stand in no other series, by what they are and HTTP's status.",
    ["version", "traffic", "status"],
)
_LOG_WRITTEN = Counter("silencio_prediction_log_written", "Rows of the prediction log that were written.", ["version"])
_LOG_DROPPED = Counter(
    "silencio_prediction_log_dropped", "Rows of the prediction log that were not.", ["version", "reason"]
)

_SHADOW_SENT = Counter("silencio_shadow_sent", "Copies of requests that another transformer answered.", ["version"])
_SHADOW_DROPPED = Counter("silencio_shadow_dropped", "Copies of requests that were dropped.", ["version", "reason"])
SHADOW_DROP_REASONS = ("full", "busy", "refused", "unreachable", "unmarked", "closed")

# As `serving.prediction_log` drops them while a scrape can still see it.
LOG_DROP_REASONS = ("full", "invalid")

_served_version = ""
_expected_requests: set[tuple[str, str]] = set()
_is_log_expected = False
_expected: list[Callable[[str], None]] = []


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


def expect(begin: Callable[[str], None]) -> None:
    """Have further series begin at 0: `begin` is called with the version now, and with every later one."""
    _expected.append(begin)
    begin(_served_version)


def served_version() -> str:
    """The version that this process serves; empty before it is loaded."""
    return _served_version


def _begin() -> None:
    for route, status in _expected_requests:
        _REQUESTS.labels(_served_version, route, status)
        _REQUEST_SECONDS.labels(_served_version, route)
    if _is_log_expected:
        _LOG_WRITTEN.labels(_served_version)
        for reason in LOG_DROP_REASONS:
            _LOG_DROPPED.labels(_served_version, reason)
    for begin in _expected:
        begin(_served_version)


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


def expect_answers(priorities: Iterable[str], marks: Iterable[str], statuses: Iterable[str]) -> None:
    """Begin the series of answered and of marked requests at 0."""
    series = tuple(priorities), tuple(marks), tuple(statuses)

    def begin(version: str) -> None:
        for priority in series[0]:
            _ANSWER_SECONDS.labels(version, priority)
        for traffic in series[1]:
            for status in series[2]:
                _MARKED_REQUESTS.labels(version, traffic, status)

    expect(begin)


def expect_shadow() -> None:
    """Begin the series of shadow traffic at 0."""

    def begin(version: str) -> None:
        _SHADOW_SENT.labels(version)
        for reason in SHADOW_DROP_REASONS:
            _SHADOW_DROPPED.labels(version, reason)

    expect(begin)


def count_shadow_sent() -> None:
    """Count a copy that was answered."""
    _SHADOW_SENT.labels(_served_version).inc()


def count_shadow_dropped(reason: str, n_copies: int) -> None:
    """Count copies that were dropped."""
    _SHADOW_DROPPED.labels(_served_version, reason).inc(n_copies)


def observe_answer(priority: str, seconds: float) -> None:
    """Observe how long a request took that was answered, from its last byte on."""
    _ANSWER_SECONDS.labels(_served_version, priority).observe(seconds)


def count_marked_request(traffic: str, status: str) -> None:
    """Count a request that is no visitor's."""
    _MARKED_REQUESTS.labels(_served_version, traffic, status).inc()


def count_log_written(n_rows: int) -> None:
    """Count rows of the prediction log that were written."""
    _LOG_WRITTEN.labels(_served_version).inc(n_rows)


def count_log_dropped(reason: str, n_rows: int) -> None:
    """Count rows of the prediction log that were dropped."""
    _LOG_DROPPED.labels(_served_version, reason).inc(n_rows)
