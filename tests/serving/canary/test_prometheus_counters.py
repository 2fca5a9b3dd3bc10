"""Counts are counts, or there are none: what no Prometheus should say, and what becomes of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from serving.canary.prometheus_counters import _COUNTED_BY_PROXY, PrometheusCounters
from silencio.errors import CountsUnreadableError

NOW_S = 1_000.0
PROXY, CHAMPION, CHALLENGER = "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"
Series = list[tuple[dict[str, str], str]]


class ScriptedPrometheus:
    """Answers queries by what a test put into `series`."""

    def __init__(self) -> None:
        self.series: dict[str, Series] = {
            "proxy": [
                ({"__name__": f"silencio_proxy_{name}_total", "arm": arm, "instance": PROXY}, str(10 + number))
                for arm in ("champion", "challenger")
                for number, name in enumerate(_COUNTED_BY_PROXY)
            ],
            "slow": [
                ({"instance": instance, "beyond_s": bound}, value)
                for instance, bound, value in (
                    (CHAMPION, "0.2", "7"),
                    (CHAMPION, "1.0", "2"),
                    (CHALLENGER, "0.2", "9"),
                    (CHALLENGER, "1.0", "3"),
                )
            ],
            "up of HAProxy": [({"instance": PROXY}, "1")],
            "up of servers": [
                ({"instance": CHAMPION, "arm": "champion", "server": "transformer"}, "1"),
                ({"instance": CHALLENGER, "arm": "challenger", "server": "transformer"}, "1"),
                ({"instance": "127.0.0.1:4", "arm": "champion", "server": "predictor"}, "1"),
            ],
            "answers": [],
        }
        self.scraped_s = NOW_S - 5
        self.body: bytes | None = None
        self.times: list[str] = []

    def reply(self, query: str) -> bytes:
        if self.body is not None:
            return self.body
        up = self.series["up of servers" if 'job="silencio"' in query else "up of HAProxy"]
        if query.startswith("timestamp("):
            found = [(labels, str(self.scraped_s)) for labels, _ in up]
        elif query.startswith("up{"):
            found = up
        elif query.startswith("sum by (le)"):
            found = self.series["answers"]
        else:
            found = self.series["slow" if query.startswith("silencio_slow") else "proxy"]
        result = [{"metric": labels, "value": [NOW_S, value]} for labels, value in found]
        return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


@pytest.fixture
def prometheus() -> Iterator[tuple[ScriptedPrometheus, PrometheusCounters]]:
    script = ScriptedPrometheus()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            script.times += query["time"]
            body = script.reply(query["query"][0])
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield script, PrometheusCounters(url=f"http://127.0.0.1:{server.server_address[1]}", slow_bound_s=0.2, limit_s=1.0)
    server.shutdown()
    server.server_close()
    thread.join()


Prometheus = tuple[ScriptedPrometheus, PrometheusCounters]


def test_read__each_field_is_counted_by_one_of_them(prometheus: Prometheus) -> None:
    script, counters = prometheus
    found = counters.read(NOW_S)
    of_proxy = {name: 10.0 + number for number, name in enumerate(_COUNTED_BY_PROXY)}
    assert {arm: {name: one.values for name, one in own.items()} for arm, own in found.items()} == {
        "champion": {PROXY: of_proxy, CHAMPION: {"slow_units": 7, "beyond_limit_units": 2}},
        "challenger": {PROXY: of_proxy, CHALLENGER: {"slow_units": 9, "beyond_limit_units": 3}},
    }
    # All of one moment.
    assert set(script.times) == {str(NOW_S)}


def test_read__what_ran_before_a_restart_is_nobodys(prometheus: Prometheus) -> None:
    """Prometheus answers with it for minutes, by the last value that it had."""
    script, counters = prometheus
    before = "127.0.0.1:9"
    script.series["proxy"] += [({**labels, "instance": before}, "90") for labels, _ in script.series["proxy"]]
    script.series["up of HAProxy"].append(({"instance": before}, "1"))
    script.series["up of servers"].append(
        ({"instance": "127.0.0.1:8", "arm": "champion", "server": "transformer"}, "1")
    )
    with pytest.raises(CountsUnreadableError, match="reaches 2 HAProxy"):
        counters.read(NOW_S)
    running = replace(counters, instances=frozenset({PROXY, CHAMPION, CHALLENGER}))
    found = running.read(NOW_S)
    assert {arm: set(own) for arm, own in found.items()} == {
        "champion": {PROXY, CHAMPION},
        "challenger": {PROXY, CHALLENGER},
    }
    assert all(own[PROXY].values["requests"] == 10 for own in found.values())


def test_read__a_challenger_that_is_down_is_counted_by_the_proxy_alone(prometheus: Prometheus) -> None:
    script, counters = prometheus
    script.series["up of servers"][1] = (script.series["up of servers"][1][0], "0")
    script.series["slow"] = script.series["slow"][:2]
    assert set(counters.read(NOW_S)["challenger"]) == {PROXY}


def test_read__what_is_missing_of_a_server_that_is_up_is_nothing_counted(prometheus: Prometheus) -> None:
    script, counters = prometheus
    script.series["slow"] = []
    assert counters.read(NOW_S)["challenger"][CHALLENGER].values == {"slow_units": 0, "beyond_limit_units": 0}


def _not_a_number(script: ScriptedPrometheus) -> None:
    script.series["proxy"][0] = (script.series["proxy"][0][0], "NaN")


def _infinite(script: ScriptedPrometheus) -> None:
    script.series["slow"][0] = (script.series["slow"][0][0], "+Inf")


def _negative(script: ScriptedPrometheus) -> None:
    script.series["proxy"][0] = (script.series["proxy"][0][0], "-1")


def _stale(script: ScriptedPrometheus) -> None:
    script.scraped_s = NOW_S - 31


def _empty(script: ScriptedPrometheus) -> None:
    script.series["proxy"] = []


def _one_is_missing(script: ScriptedPrometheus) -> None:
    del script.series["proxy"][-1]


def _haproxy_is_down(script: ScriptedPrometheus) -> None:
    script.series["up of HAProxy"] = [({"instance": PROXY}, "0")]


def _haproxy_is_unknown(script: ScriptedPrometheus) -> None:
    script.series["up of HAProxy"] = []


def _no_json(script: ScriptedPrometheus) -> None:
    script.body = b"<html>"


def _no_vector(script: ScriptedPrometheus) -> None:
    script.body = b'{"status": "success", "data": {"resultType": "matrix", "result": []}}'


def _no_such_bound(script: ScriptedPrometheus) -> None:
    script.series["slow"] = [(labels | {"beyond_s": "0.25"}, value) for labels, value in script.series["slow"]]


@pytest.mark.parametrize(
    "broken",
    [
        _not_a_number,
        _infinite,
        _negative,
        _stale,
        _empty,
        _one_is_missing,
        _haproxy_is_down,
        _haproxy_is_unknown,
        _no_json,
        _no_vector,
        _no_such_bound,
    ],
    ids=lambda one: one.__name__.strip("_"),
)
def test_read__no_data_is_never_0(prometheus: Prometheus, broken: Callable[[Any], None]) -> None:
    script, counters = prometheus
    broken(script)
    with pytest.raises(CountsUnreadableError):
        counters.read(NOW_S)


def test_read__nobody_answers() -> None:
    with pytest.raises(CountsUnreadableError, match="does not answer"):
        PrometheusCounters(url="http://127.0.0.1:1").read(NOW_S)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"0.1": 400, "0.2": 480, "+Inf": 499}, None),
        ({"0.1": 400, "0.2": 475, "0.5": 500, "+Inf": 500}, 0.2),
        ({"0.1": 400, "0.2": 474, "0.5": 500, "+Inf": 500}, 0.5),
        ({"0.1": 400, "60.0": 410, "+Inf": 500}, 60.0),
        ({}, None),
    ],
)
def test_p95__is_the_bound_that_holds_it(
    prometheus: Prometheus, counts: dict[str, int], expected: float | None
) -> None:
    script, counters = prometheus
    script.series["answers"] = [({"le": bound}, str(count)) for bound, count in counts.items()]
    assert counters.p95_s(NOW_S) == expected
