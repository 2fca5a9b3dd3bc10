"""What Prometheus is told: scraped from real servers."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from serving.access.keys import add_key
from serving.local import LocalServers, local_servers
from serving.metrics import REQUEST_STAGES, RUN_STAGES, Metrics, process
from serving.metrics.model import DECODE_FAILURES
from serving.metrics.process import ANSWER_BUCKETS_S, count_request
from serving.metrics.routes import (
    GRPC_STATUSES,
    OTHER,
    OTHER_STATUSES,
    PREDICT_ROUTES,
    PREDICT_STATUSES,
    template_of,
)
from silencio.audio import audio_statistics
from silencio.bundle import Bundle, Scorer
from silencio.prediction_log import read_log
from tests.waiting import HANG_S

Make = Callable[..., bytes]
PREDICT = "/v1/models/silencio:predict"
OWN = "silencio_"


def _scrape(url: str) -> dict[str, Any]:
    """Samples of our own, by name; label values as they come."""
    return _parse(httpx.get(f"{url}/metrics", trust_env=False, timeout=HANG_S).text)


def _parse(text: str) -> dict[str, Any]:
    return {
        family.name: family.samples for family in text_string_to_metric_families(text) if family.name.startswith(OWN)
    }


def _value(scraped: dict[str, Any], name: str, **labels: str) -> float:
    family = next(
        family for family in (name.removesuffix(end) for end in ("", "_total", "_sum", "_count")) if family in scraped
    )
    found = [one.value for one in scraped[family] if one.name == name and labels.items() <= one.labels.items()]
    return sum(found)


@pytest.fixture
def counted(servers: LocalServers) -> LocalServers:
    """Tests look at what grew: others ask the same servers."""
    return servers


def _predict(servers: LocalServers, content: bytes, **options: Any) -> httpx.Response:
    headers = {"Content-Type": "audio/ogg"} | options.pop("headers", {})
    url = servers.url + options.pop("route", PREDICT)
    return httpx.post(url, content=content, headers=headers, trust_env=False, timeout=HANG_S)


def test_scrape__a_request_is_seen_in_every_figure(counted: LocalServers, recording: Make, scorer: Scorer) -> None:
    version = scorer.bundle.manifest.version
    before = _scrape(counted.url)
    assert _predict(counted, recording(12.0)).status_code == 200
    assert _predict(counted, b"no audio").status_code == 400
    after = _scrape(counted.url)

    def grew(name: str, **labels: str) -> float:
        return _value(after, name, version=version, **labels) - _value(before, name, version=version, **labels)

    route = "/v1/models/{name}:predict"
    assert grew("silencio_requests_total", route=route, status="200") == 1
    assert grew("silencio_requests_total", route=route, status="400") == 1
    assert grew("silencio_request_seconds_count", route=route) == 2
    assert grew("silencio_windows_total") == grew("silencio_top_probability_count") == 3
    for name in ("level_dbfs", "clipped_ratio", "silence_ratio", "snr_decibels"):
        assert grew(f"silencio_audio_{name}_count") == 3
    assert grew("silencio_decode_failures_total", kind="not_audio") == 1
    for stage in ("decode", "features", "predictor", "names"):
        assert grew("silencio_stage_seconds_count", stage=stage) == 1, stage


def test_scrape__the_bundle_is_named(counted: LocalServers, scorer: Scorer) -> None:
    manifest = scorer.bundle.manifest
    info = _scrape(counted.url)["silencio_bundle_info"]
    assert [one.value for one in info] == [1.0]
    message = {"name": manifest.name, "version": manifest.version, "spec_sha256": manifest.spec_sha256}
    assert message.items() <= info[0].labels.items()


def test_scrape__every_species_is_there_from_the_start(counted: LocalServers, scorer: Scorer) -> None:
    samples = [one for one in _scrape(counted.url)["silencio_detections"] if one.name.endswith("_total")]
    assert {one.labels["code"] for one in samples} == set(scorer.bundle.manifest.classes.codes)


def test_scrape__no_first_event_is_missed(counted: LocalServers, scorer: Scorer) -> None:
    """A series that begins at 1 does not grow: an alert on the first 500 would never come."""
    scraped = _scrape(counted.url)
    version = scorer.bundle.manifest.version

    def labels(name: str, *names: str) -> set[tuple[str, ...]]:
        samples = (one for one in scraped[name] if one.name in (f"{name}_total", f"{name}_count"))
        return {tuple(one.labels[name] for name in names) for one in samples if one.labels["version"] == version}

    requests = labels("silencio_requests", "route", "status")
    assert requests >= {(route, status) for route in PREDICT_ROUTES for status in PREDICT_STATUSES}
    assert requests >= {(OTHER, status) for status in OTHER_STATUSES}
    assert requests >= {("grpc ModelInfer", status) for status in GRPC_STATUSES}
    assert labels("silencio_decode_failures", "kind") == {(kind,) for kind in DECODE_FAILURES}
    assert labels("silencio_stage_seconds", "stage") == {(stage,) for stage in REQUEST_STAGES}
    assert labels("silencio_request_seconds", "route") >= {(route,) for route in PREDICT_ROUTES}
    assert labels("silencio_answer_seconds", "priority") == {("interactive",), ("batch",)}
    for name in ("sessions", "failed_sessions", "rejected_sessions"):
        assert labels(f"silencio_{name}") == {()}, name
    bounds = {(priority, str(bound_s)) for priority in ("interactive", "batch") for bound_s in ANSWER_BUCKETS_S}
    assert labels("silencio_slow_sessions", "priority", "beyond_s") == bounds
    marked = {(traffic, status) for traffic in ("shadow", "simulated") for status in PREDICT_STATUSES}
    assert labels("silencio_marked_requests", "traffic", "status") == marked


def test_scrape__the_predictor_counts_no_sessions(counted: LocalServers) -> None:
    """Who sums over both servers would count each visitor twice, and once more for every part of his recording."""
    assert "silencio_sessions" in _scrape(counted.transformer.url)
    assert not {"silencio_sessions", "silencio_answer_seconds"} & {
        name for name, samples in _scrape(counted.predictor.url).items() if samples
    }


def test_requests__are_expected_before_a_bundle_and_of_every_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that refuses its bundle answers 503, and nothing else."""
    monkeypatch.setattr(process, "_expected_requests", set())
    monkeypatch.setattr(process, "_served_version", "")
    process.expect_requests(["/test"], ["503"])
    process.set_served_version("of a test")
    samples = [one for one in _parse(generate_latest().decode())["silencio_requests"] if one.labels["route"] == "/test"]
    found = {(one.labels["version"], one.labels["status"], one.value) for one in samples}
    assert found == {("", "503", 0.0), ("of a test", "503", 0.0)}


def test_scrape__what_was_no_request_is_counted(counted: LocalServers) -> None:
    before = _scrape(counted.url)
    address = httpx.URL(counted.url)
    with socket.create_connection((address.host, address.port or 0), timeout=HANG_S) as connection:
        connection.sendall(b"\x16\x03\x01\x00\x00")
        while connection.recv(4_096):
            pass
    after = _scrape(counted.url)
    labels = {"route": OTHER, "status": "400"}
    grew = [_value(one, "silencio_requests_total", **labels) for one in (before, after)]
    assert grew[1] - grew[0] == 1


def test_scrape__nothing_says_when_it_was_created(counted: LocalServers) -> None:
    for server in counted.both:
        assert "_created" not in httpx.get(f"{server.url}/metrics", trust_env=False, timeout=HANG_S).text


def test_level__has_a_mean_although_prometheus_sums_nothing_negative(bundle_directory: Path) -> None:
    metrics = Metrics(Bundle(bundle_directory).manifest, REQUEST_STAGES)
    names = ("silencio_audio_below_full_scale_decibels_total", "silencio_audio_level_dbfs_count")
    before = [_value(_parse(generate_latest().decode()), name) for name in names]
    windows = np.zeros((2, 100), np.float32)
    metrics.windows(windows, windows > 0, {"rms_db": np.array([-20.0, -41.0])})
    after = [_value(_parse(generate_latest().decode()), name) for name in names]
    total, n_windows = (one - other for one, other in zip(after, before, strict=True))
    assert -total / n_windows == pytest.approx(-30.5)


def test_scrape__clients_cannot_make_new_series(counted: LocalServers) -> None:
    def series() -> set[tuple[str, ...]]:
        samples = _scrape(counted.url)["silencio_requests"]
        return {tuple(one.labels.values()) for one in samples if one.name.endswith("_total")}

    for i in range(3):
        _predict(counted, b"", route=f"/v1/models/m{i}:predict")
        _predict(counted, b"", route=f"/nowhere/{i}")
    before = series()
    for i in range(3, 20):
        _predict(counted, b"", route=f"/v1/models/m{i}:predict")
        _predict(counted, b"", route=f"/nowhere/{i}", headers={"X-Request-ID": str(i)})
    assert series() == before


def test_log__is_written_when_the_server_is_stopped(bundle_directory: Path, recording: Make, tmp_path: Path) -> None:
    begun = datetime.now(UTC)
    place, keys = tmp_path / "log", tmp_path / "keys.csv"
    headers = {"X-Request-ID": "walk-17", "X-API-Key": add_key(keys, "ranger", 60, None)}
    options = ["--prediction_log", str(place), "--keys", str(keys)]
    with local_servers(bundle_directory, transformer_options=options, start_timeout_s=HANG_S) as servers:
        query = "?latitude=-9.0432&longitude=147.1567&session_id=walk"
        answer = _predict(servers, recording(12.0), route=PREDICT + query, headers=headers)
        assert (answer.status_code, answer.headers["x-request-id"]) == (200, "walk-17")
        dropped = _scrape(servers.url)["silencio_prediction_log_dropped"]
        assert {(one.labels["reason"], one.value) for one in dropped} == {("full", 0.0), ("invalid", 0.0)}
        servers.transformer.stop()
        # Too late for a scrape.
        assert "prediction log: closed after 3 rows; dropped: none" in servers.transformer.log.read_text()
    rows = read_log(str(place), begun - timedelta(hours=1), begun + timedelta(hours=1)).to_pylist()
    named = ("client_request_id", "session_id", "key_name", "start_s")
    assert [tuple(row[name] for name in named) for row in rows] == [
        ("walk-17", "walk", "ranger", start_s) for start_s in (0.0, 5.0, 7.0)
    ]
    # Nobody can have rows taken for another's: the id that feedback is joined by is the server's.
    own = answer.headers["x-silencio-request-id"]
    assert {row["request_id"] for row in rows} == {own} == {answer.json()["request_id"]} != {"walk-17"}
    assert {row["bundle_sha256"] for row in rows} == {Bundle(bundle_directory).manifest.manifest_sha256}
    assert {(row["latitude"], row["longitude"]) for row in rows} == {(-9.0, 147.2)}
    assert all(len(row["top_codes"]) == len(row["top_probabilities"]) == 5 for row in rows)


def test_model__queue_and_batches(bundle_directory: Path) -> None:
    metrics = Metrics(Bundle(bundle_directory).manifest, RUN_STAGES, provider="CPUExecutionProvider")
    waiting = [7]
    metrics.queue_length_from(lambda: waiting[0])
    metrics.batch(3, waited_s=0.002, ran_s=0.03)
    metrics.decode_failed("a kind that nobody listed")
    first = _parse(generate_latest().decode())
    waiting[0] = 0
    second = _parse(generate_latest().decode())
    assert (_value(first, "silencio_queue_windows"), _value(second, "silencio_queue_windows")) == (7, 0)
    assert _value(first, "silencio_batch_windows_sum") == 3
    assert _value(first, "silencio_stage_seconds_sum", stage="queue") == pytest.approx(0.002)
    assert _value(first, "silencio_stage_seconds_sum", stage="graph") == pytest.approx(0.03)
    assert _value(first, "silencio_decode_failures_total", kind="other") == 1
    assert _value(first, "silencio_bundle_info", provider="CPUExecutionProvider", precision="fp32") == 1


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/", "/"),
        ("/v1/models/silencio:predict", "/v1/models/{name}:predict"),
        ("/v1/models/silencio@1f:predict", "/v1/models/{name}:predict"),
        ("/v2/models/silencio/infer", "/v2/models/{name}/infer"),
        ("/v2/models/silencio/ready", "/v2/models/{name}/ready"),
        ("/v2/models/silencio/versions/7/infer", "/v2/models/{name}/infer"),
        ("/v2/models/silencio/versions/7", "/v2/models/{name}"),
        ("/v2/models/silencio/versions/", OTHER),
        ("/v1/models/silencio/versions/7:predict", OTHER),
        ("/v1/models/silencio:predict/more", OTHER),
        ("/v2/models/silencio:predict", OTHER),
        ("/v1/models/", OTHER),
        ("//", OTHER),
    ],
)
def test_route__its_label_is_one_of_few(path: str, template: str) -> None:
    assert template_of(path) == template


def test_cost__of_a_request_is_a_few_hundred_calls_of_functions(bundle_directory: Path) -> None:
    """About 40 us on an idle core."""
    manifest = Bundle(bundle_directory).manifest
    metrics = Metrics(manifest, REQUEST_STAGES)
    probabilities = np.random.default_rng(5).random((1, len(manifest.classes)), np.float32)
    statistics = audio_statistics(np.zeros((1, 160_000), np.int16), 32_000)

    def request() -> None:
        for stage in ("decode", "features", "predictor", "names"):
            metrics.stage(stage, 0.004)
        metrics.windows(probabilities, probabilities > 0.5, statistics)
        count_request("/v1/models/{name}:predict", "200", 0.02)

    request()  # labels are made once
    n_calls = 0

    def count(frame: object, event: str, _: object) -> None:
        nonlocal n_calls
        n_calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        request()
    finally:
        sys.setprofile(None)
    assert 0 < n_calls < 2_000


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool__finds_nothing_to_say(counted: LocalServers) -> None:
    text = httpx.get(f"{counted.url}/metrics", trust_env=False, timeout=HANG_S).text
    own = "".join(line for line in text.splitlines(True) if OWN in line)
    done = subprocess.run(["promtool", "check", "metrics"], input=own, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
