"""What both arms' own servers counted, as a cluster's Prometheus has it: missing is never 0."""

from __future__ import annotations

import json
from collections.abc import Mapping

import httpx
import pytest

from serving.canary.server_counters import ServerCounters
from silencio.errors import CountsUnreadableError

Samples = list[tuple[Mapping[str, str], float]]
_ARMS = ("champion", "challenger")


def _of_both(value: float) -> Samples:
    return [({"arm": arm, "instance": f"{arm}-0"}, value) for arm in _ARMS]


@pytest.fixture
def samples_by_query() -> dict[str, Samples]:
    """By a word that the query has."""
    return {
        "up{": _of_both(1),
        "silencio_requests_total": [
            ({"arm": "challenger", "instance": "challenger-0", "status": status}, value)
            for status, value in {"200": 90, "500": 3, "503": 2, "429": 1, "400": 4, "499": 7, "401": 8}.items()
        ],
        "silencio_sessions_total": _of_both(50),
        "silencio_failed_sessions_total": _of_both(5),
        "silencio_rejected_sessions_total": _of_both(2),
        'beyond_s="0.2"': _of_both(9),
        'beyond_s="1.0"': _of_both(4),
        "increase(": [],
    }


@pytest.fixture
def counters(samples_by_query: dict[str, Samples], monkeypatch: pytest.MonkeyPatch) -> ServerCounters:
    def get(url: str, params: Mapping[str, object], **options: object) -> httpx.Response:
        found = next(samples for word, samples in samples_by_query.items() if word in str(params["query"]))
        result = [{"metric": dict(labels), "value": [0, str(value)]} for labels, value in found]
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})
        return httpx.Response(200, text=body, request=httpx.Request("GET", url))

    monkeypatch.setattr("serving.canary.prometheus_counters.httpx.get", get)
    return ServerCounters(url="http://prometheus", selector='namespace="wild"', slow_bound_s=0.2, limit_s=1.0)


def test_read__counts_by_arm_and_leaves_out_what_is_nobodys(counters: ServerCounters) -> None:
    values = counters.read(0.0)["challenger"]["challenger-0"].values
    assert values == {
        "requests": 100,
        "failed_requests": 5,
        "rejected_requests": 3,
        "client_errors": 4,
        "units": 50,
        "failed_units": 5,
        "rejected_units": 2,
        "slow_units": 9,
        "beyond_limit_units": 4,
    }


@pytest.mark.parametrize("lacking", ["silencio_failed_sessions_total", 'beyond_s="0.2"', "up{"])
def test_read__what_is_missing_is_no_data(
    counters: ServerCounters, samples_by_query: dict[str, Samples], lacking: str
) -> None:
    samples_by_query[lacking] = []
    with pytest.raises(CountsUnreadableError):
        counters.read(0.0)


def test_read__an_arm_that_is_down_has_no_instances(
    counters: ServerCounters, samples_by_query: dict[str, Samples]
) -> None:
    samples_by_query["up{"] = [
        ({"arm": "champion", "instance": "champion-0"}, 1),
        ({"arm": "challenger", "instance": "challenger-0"}, 0),
    ]
    found = counters.read(0.0)
    assert dict(found["challenger"]) == {} and list(found["champion"]) == ["champion-0"]


@pytest.mark.parametrize(
    ("buckets", "bound"),
    [({"0.1": 90, "0.2": 960, "0.5": 1000, "+Inf": 1000}, 0.2), ({"0.1": 400, "+Inf": 499}, None), ({}, None)],
)
def test_p95__is_a_bucket_of_enough_requests(
    counters: ServerCounters, samples_by_query: dict[str, Samples], buckets: dict[str, float], bound: float | None
) -> None:
    samples_by_query["increase("] = [({"le": le}, value) for le, value in buckets.items()]
    assert counters.p95_s(0.0) == bound
