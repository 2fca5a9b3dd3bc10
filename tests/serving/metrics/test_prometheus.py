"""A real Prometheus beside the real servers: what its queries find, the documented ones among them."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest

from serving.local import LocalServers, local_servers
from silencio.network import free_ports
from tests.waiting import HANG_S, until

OPERATING = (Path(__file__).parents[3] / "docs" / "operating.md").read_text(encoding="utf-8")
QUERIES = [
    line
    for block in re.findall(r"```promql\n(.*?)```", OPERATING, re.DOTALL)
    for line in block.splitlines()
    if not line.startswith("#")
]
PREDICT = "/v1/models/silencio:predict"


@dataclass(frozen=True)
class Prometheus:
    """One that scrapes both servers, and whom a test may ask."""

    url: str

    def query(self, text: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": text}, trust_env=False, timeout=HANG_S)
        assert answer.is_success, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def value(self, text: str) -> float:
        """Of a query whose result is one number; 0 where there is none."""
        return sum(float(one["value"][1]) for one in self.query(text))


@pytest.fixture
def served(bundle_directory: Path, tmp_path: Path) -> Iterator[LocalServers]:
    """Servers that nobody asked anything yet."""
    log = ["--prediction_log", str(tmp_path / "log")]
    with local_servers(bundle_directory, transformer_options=log, start_timeout_s=HANG_S) as servers:
        yield servers


@pytest.fixture
def prometheus(served: LocalServers, tmp_path: Path) -> Iterator[Prometheus]:
    port = free_ports(1)[0]
    targets = [server.url.removeprefix("http://") for server in served.both]
    jobs = [{"job_name": "silencio", "static_configs": [{"targets": targets}]}]
    settings = {"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}
    (tmp_path / "prometheus.yml").write_text(json.dumps(settings))  # JSON is YAML
    command = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    with (tmp_path / "prometheus.log").open("w") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    one = Prometheus(f"http://127.0.0.1:{port}")

    def scraped_twice() -> bool:
        try:
            if not httpx.get(f"{one.url}/-/ready", trust_env=False, timeout=HANG_S).is_success:
                return False  # it listens before it answers
            return one.value("min(count_over_time(silencio_windows_total[5m]))") >= 2
        except httpx.TransportError:
            assert process.poll() is None, (tmp_path / "prometheus.log").read_text()
            return False

    until(scraped_twice, lambda: (tmp_path / "prometheus.log").read_text())
    yield one
    process.terminate()
    process.wait(HANG_S)


# As the page asks for it: of which requests, and at which server.
P95 = re.compile(
    r"histogram_quantile\(0\.95, (?P<buckets>sum by \(le, version\) \(rate\("
    r"silencio_request_seconds_bucket\{route=~\"(?P<routes>[^\"]+)\"\}\[5m\]\) "
    r"and on \(instance\) (?P<only>silencio_\w+)\{(?P<label>[^}]+)\}\))\)"
)


def _request_in_every_way(servers: LocalServers, recording: Callable[..., bytes]) -> int:
    """Predictions, with many quick requests between them that are none.

    Returns:
        How many predictions.
    """
    clip = recording()
    tensor = {"name": "audio", "datatype": "BYTES", "shape": [1], "data": [base64.b64encode(clip).decode()]}

    async def by_grpc() -> None:
        audio = InferInput("audio", [1], "BYTES")
        audio.set_data_from_numpy(np.array([clip], object), binary_data=True)
        async with InferenceGRPCClient(servers.grpc_address, timeout=HANG_S) as client:
            await client.infer(InferRequest("silencio", [audio]))

    with httpx.Client(base_url=servers.url, trust_env=False, timeout=HANG_S) as client:
        for _ in range(100):
            for probe in ("/v2/models/silencio/ready", "/v2/health/live", "/metrics"):
                assert client.get(probe).is_success
        headers = {"Content-Type": "audio/ogg"}
        assert client.post(PREDICT, content=clip, headers=headers).is_success
        assert client.post("/v1/models/silencio:upload", content=clip, headers=headers).is_success
        assert client.post("/v2/models/silencio/infer", json={"inputs": [tensor]}).is_success
    asyncio.run(by_grpc())
    return 4


def test_p95__is_of_predictions_alone(servers: LocalServers, recording: Callable[..., bytes]) -> None:
    """The page's query, by hand: 300 probes between a few predictions are none of its requests."""
    (query,) = (found for text in QUERIES if (found := P95.fullmatch(text)))

    def counted() -> int:
        text = httpx.get(f"{servers.url}/metrics", trust_env=False, timeout=HANG_S).text
        counts = re.findall(r'^silencio_request_seconds_count\{.*route="([^"]+)".*\} (\S+)$', text, re.M)
        return int(sum(float(n) for route, n in counts if re.fullmatch(query["routes"], route)))

    before = counted()
    n_predictions = _request_in_every_way(servers, recording)
    assert counted() - before == n_predictions
    # The predictor is asked for each of them, too: it is told apart by a series that it does not have.
    has_it = [
        re.search(
            rf"^{query['only']}{{.*{query['label']}",
            httpx.get(f"{one.url}/metrics", trust_env=False, timeout=HANG_S).text,
            re.M,
        )
        for one in servers.both
    ]
    assert [bool(one) for one in has_it] == [False, True]


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed: make extras")
def test_prometheus__p95_is_of_as_many_requests_as_there_were_predictions(
    prometheus: Prometheus, served: LocalServers, recording: Callable[..., bytes]
) -> None:
    n_predictions = _request_in_every_way(served, recording)
    (query,) = (found for text in QUERIES if (found := P95.fullmatch(text)))
    # The same requests, all of them instead of those of five minutes.
    all_of_them = re.sub(r"rate\((.*?)\[5m\]\)", r"\1", query["buckets"])
    until(lambda: _greatest(prometheus.query(all_of_them)) == n_predictions, lambda: prometheus.query(all_of_them))
    everything = "sum(silencio_request_seconds_count)"
    assert until(lambda: prometheus.value(everything) >= 300 + n_predictions)
    assert _greatest(prometheus.query(all_of_them)) == n_predictions

    # A rate is of what rises between two scrapes: one that saw all of the first predictions at once has none yet.
    def is_there() -> bool:
        _request_in_every_way(served, recording)
        return any(float(one["value"][1]) > 0 for one in prometheus.query(query[0]))

    until(is_there, lambda: prometheus.query(query[0]))


def _greatest(buckets: list[dict[str, Any]]) -> float:
    """Of buckets, which count through: all observations."""
    return max((float(one["value"][1]) for one in buckets), default=0.0)


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed: make extras")
def test_prometheus__sees_the_first_event_of_every_kind(
    prometheus: Prometheus, served: LocalServers, recording: Callable[..., bytes]
) -> None:
    def post(content: bytes) -> int:
        headers = {"Content-Type": "audio/ogg"}
        url = served.url + PREDICT
        return httpx.post(url, content=content, headers=headers, trust_env=False, timeout=HANG_S).status_code

    assert (post(recording()), post(b"no audio")) == (200, 400)
    served.predictor.stop()
    assert post(recording()) == 503
    route = 'route="/v1/models/{name}:predict"'
    for status in ("200", "400", "503"):
        until(lambda: prometheus.value(f'increase(silencio_requests_total{{{route},status="{status}"}}[5m])') > 0)  # noqa: B023
    assert until(lambda: prometheus.value('increase(silencio_decode_failures_total{kind="not_audio"}[5m])') > 0)
    for query in QUERIES:
        prometheus.query(query)
    # A mean level is a number of decibels.
    level = next(query for query in QUERIES if "below_full_scale" in query)
    assert -100 < prometheus.value(level) < 0


def test_queries__are_there_and_name_what_both_servers_have_from_the_start(served: LocalServers) -> None:
    text = "".join(httpx.get(f"{one.url}/metrics", trust_env=False, timeout=HANG_S).text for one in served.both)
    assert len(QUERIES) >= 5
    for query in QUERIES:
        for name in re.findall(r"\bsilencio_\w+", query):
            assert re.search(rf"^{name}{{", text, re.M), f"{query}: {name} is not there from the start"
