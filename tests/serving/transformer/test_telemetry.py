"""What the transformer keeps of a request: a row a window in the log, and figures on /metrics."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.access.keys import add_key
from serving.local import local_servers
from serving.transformer.telemetry import _detected_and_dropped, _key_of_device
from silencio.audio import BAND_STATISTICS, WINDOW_STATISTICS
from silencio.bundle.manifest import read_manifest
from silencio.detections import recording_document
from silencio.detections.prior.expected import Expected
from silencio.features import FrontEnd, WindowStatistics
from silencio.prediction_log import SCHEMA, answered, probability_matrix, read_log
from silencio.taxonomy import ClassList, Species
from tests.waiting import HANG_S

ROUTE = "/v1/models/silencio:predict"
Make = Callable[..., bytes]


@pytest.fixture(scope="module")
def kept(
    request_that_left_rows: Any,
) -> tuple[dict[str, Any], dict[str, float], list[dict[str, Any]]]:
    """An answer, the metrics after it, and the rows that it left."""
    answer, samples, rows, _ = request_that_left_rows
    return answer, samples, rows


@pytest.fixture(scope="module")
def request_that_left_rows(
    tmp_path_factory: pytest.TempPathFactory, bundle_directory: Path, recording: Make
) -> tuple[dict[str, Any], dict[str, float], list[dict[str, Any]], list[dict[str, Any]]]:
    """An answer, the metrics after it, the rows that it left, and those of requests that failed."""
    folder = tmp_path_factory.mktemp("records")
    key = add_key(folder / "keys.csv", "guide", 600.0, None)
    admin = add_key(folder / "keys.csv", "judge", 600.0, None, "admin")
    options = ["--prediction_log", str(folder / "log"), "--keys", str(folder / "keys.csv")]
    with (
        local_servers(bundle_directory, transformer_options=options, start_timeout_s=HANG_S) as servers,
        httpx.Client(base_url=servers.url, trust_env=False, timeout=HANG_S) as client,
    ):
        assert client.post(ROUTE, content=recording()).status_code == 401
        client.headers["Authorization"] = f"Bearer {key}"
        query = "latitude=6.7812&longitude=-74.2049&recorded_at=2025-03-21T05:40:00&session_id=walk-7&top_k=all"
        headers = {"Content-Type": "audio/flac", "X-Request-ID": "request-1"}
        answer = client.post(f"{ROUTE}?{query}", content=recording(12.0, "FLAC", 48_000), headers=headers)
        assert answer.status_code == 200
        headers = {"Content-Type": "audio/ogg", "X-Request-ID": "request-2", "X-Session-ID": "walk-8"}
        headers["X-Silencio-Site"] = "north"
        assert client.post(ROUTE, content=b"x", headers=headers).status_code == 400
        simulated = {"X-Silencio-Simulated": "1", "X-API-Key": admin, "Authorization": ""}
        assert client.post(ROUTE, content=b"x", headers={**headers, **simulated}).status_code == 400
        wrong = {"X-Session-ID": "x" * 300, "X-Silencio-Site": "no/id"}
        assert client.post(ROUTE, json={"instances": []}, headers=wrong).status_code == 400
        text = client.get("/metrics").text
    now = datetime.now(UTC)
    table = read_log(str(folder / "log"), now - timedelta(hours=1), now + timedelta(hours=1))
    rows, failed = answered(table).to_pylist(), [row for row in table.to_pylist() if row["status"] != "ok"]
    samples = {
        re.sub(r'version="[^"]*",?', "", f"{one.name}{sorted(one.labels.items())}"): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name.startswith("silencio_")
    }
    return answer.json(), samples, rows, failed


def _named(answer: dict[str, Any]) -> list[list[str]]:
    windows = answer["predictions"][0]["windows"]
    return [[one["code"] for one in window["species"] if one["passes_threshold"]] for window in windows]


def test_log__a_row_a_window_says_what_was_answered(kept: Any, bundle_directory: Path) -> None:
    answer, _, rows = kept
    windows = answer["predictions"][0]["windows"]
    rows = sorted(rows, key=lambda row: row["start_s"])
    assert [(row["start_s"], row["end_s"]) for row in rows] == [(one["start_s"], one["end_s"]) for one in windows]
    assert [sorted(row["detected_codes"]) for row in rows] == [sorted(codes) for codes in _named(answer)]
    assert [row["top_codes"][0] for row in rows] == [one["species"][0]["code"] for one in windows]
    assert {row["request_id"] for row in rows} == {answer["request_id"]} != {"request-1"}
    assert {row["client_request_id"] for row in rows} == {"request-1"}
    assert {row["bundle_version"] for row in rows} == {answer["bundle"]["version"]}
    assert {row["bundle_sha256"] for row in rows} == {read_manifest(bundle_directory).manifest_sha256}


def test_log__every_classs_probability_as_answered(kept: Any, bundle_directory: Path) -> None:
    answer, _, rows = kept
    manifest = read_manifest(bundle_directory)
    windows = [
        {one["code"]: one["raw_probability"] for one in window["species"]}
        for window in answer["predictions"][0]["windows"]
    ]
    logged = probability_matrix(
        pa.Table.from_pylist(sorted(rows, key=lambda row: row["start_s"]), schema=SCHEMA),
        bundle_version=manifest.version,
        n_classes=len(manifest.classes),
    )
    expected = [[window[code] for code in manifest.classes.codes] for window in windows]
    np.testing.assert_allclose(logged, expected, rtol=1e-3, atol=1e-7)


def test_log__names_every_recordings_prediction_by_the_answers_request(kept: Any) -> None:
    answer, _, rows = kept
    assert {row["prediction_id"] for row in rows} == {f"{answer['request_id']}-0"} == {*answer["prediction_ids"]}


def test_log__knows_the_recording_by_its_bytes_and_by_its_sound(
    kept: Any, bundle_directory: Path, recording: Make
) -> None:
    encoded = recording(12.0, "FLAC", 48_000)
    sound = FrontEnd(read_manifest(bundle_directory).spec).waveform(encoded)
    (shas,) = {(row["recording_sha256"], row["waveform_sha256"]) for row in kept[2]}
    assert shas == (hashlib.sha256(encoded).hexdigest(), hashlib.sha256(sound.data).hexdigest())


def test_log__what_is_not_known_is_null(kept: Any) -> None:
    unknown = ("site_id", "arm", "release_id")
    assert {row[name] for row in kept[2] for name in unknown} == {None}
    assert {row["shadow"] for row in kept[2]} == {False}
    assert {row["status"] for row in kept[2]} == {"ok"}


def test_log__has_the_statistics_of_every_window(kept: Any, bundle_directory: Path, recording: Make) -> None:
    spec = read_manifest(bundle_directory).spec
    front_end = FrontEnd(spec)
    expected = WindowStatistics(spec)(front_end.windows(front_end.waveform(recording(12.0, "FLAC", 48_000))))
    rows = sorted(kept[2], key=lambda row: row["start_s"])
    for name in WINDOW_STATISTICS:
        atol = 1 / 32 if name in BAND_STATISTICS else 1e-6  # half a sixteenth of a decibel
        np.testing.assert_allclose([row[name] for row in rows], expected[name], rtol=1e-6, atol=atol, err_msg=name)


def test_log__a_recorder_that_nobody_names_is_known_by_its_key(request_that_left_rows: Any) -> None:
    *_, rows, failed = request_that_left_rows
    assert {(row["site_id"], row["device_id"]) for row in rows} == {(None, "guide")}
    # What is no id is not kept, also where the request failed by it.
    assert [(row["site_id"], row["device_id"]) for row in failed] == [("north", "guide"), (None, "guide")]


@pytest.mark.parametrize(("key_name", "device_id"), [("guide", "guide"), ("..", None), ("_guide", None), ("", None)])
def test_log__a_key_that_is_called_as_no_recorder_may_be_names_none(key_name: str, device_id: str | None) -> None:
    assert _key_of_device(key_name, is_copy=False) == device_id
    assert _key_of_device(key_name, is_copy=True) is None


def test_log__a_request_that_failed_is_one_row_without_a_window_or_a_sound(request_that_left_rows: Any) -> None:
    """Nobody's (a wrong key) and simulated users' leave none, and what a stranger sends as his session is cut."""
    *_, failed = request_that_left_rows
    assert [row["client_request_id"] for row in failed] == ["request-2", None]
    first, long = failed
    known = {name: value for name, value in first.items() if value not in (None, [])}
    assert known.pop("received_at") and len(known.pop("request_id")) == 32
    assert {name: known[name] for name in ("status", "session_id", "site_id", "key_name", "shadow")} == {
        "status": "400",
        "session_id": "walk-8",
        "site_id": "north",
        "key_name": "guide",
        "shadow": False,
    }
    bundle = {"bundle_name", "bundle_version", "bundle_sha256", "spec_sha256"}
    sender = {"session_id", "site_id", "device_id", "key_name", "client_request_id"}
    assert known.keys() == {"status", "shadow"} | sender | bundle
    assert long["session_id"] == "x" * 200


def test_log__species_that_place_and_season_took_out_are_dropped_and_not_detected() -> None:
    classes = ClassList.of(Species(code=one, scientific_name=one, common_name=one, class_name="Aves") for one in "abc")
    document = recording_document(
        [0.0],
        np.array([[0.9, 0.9, 0.1]], np.float32),
        window_s=5.0,
        hop_s=5.0,
        classes=classes,
        thresholds=dict.fromkeys("abc", 0.5),
        top_k=1,
        expected=Expected(np.array([0.0, 1.0, 1.0], np.float32), ("location", None, None)),
    )
    detected, dropped = _detected_and_dropped(document, classes)
    assert (detected.tolist(), dropped.tolist()) == ([[False, True, False]], [[True, False, False]])


def test_log__what_is_known_of_the_recording(kept: Any) -> None:
    row = kept[2][0]
    assert (row["session_id"], row["key_name"], row["source_format"]) == ("walk-7", "guide", "FLAC")
    assert (row["n_samples"], row["sample_rate_hz"]) == (12 * 48_000, 48_000)
    assert row["recorded_at"] == datetime(2025, 3, 21, 5, 40, tzinfo=UTC)
    # A tenth of a degree: the reserve, not the nest.
    assert (round(row["latitude"], 6), round(row["longitude"], 6)) == (6.8, -74.2)
    assert row["snr_db"] > 0
    assert row["decode_s"] > 0


def test_metrics__windows_stages_and_detections(kept: Any) -> None:
    answer, samples, _ = kept
    assert samples["silencio_windows_total[('version', '0-placeholder')]"] == 3
    named = sum(len(codes) for codes in _named(answer))
    assert sum(value for name, value in samples.items() if name.startswith("silencio_detections_total")) == named
    stages = {name for name in samples if name.startswith("silencio_stage_seconds_count")}
    assert {re.search(r"'stage', '(\w+)'", name).group(1) for name in stages} == {  # type: ignore[union-attr]
        "decode",
        "features",
        "predictor",
        "names",
    }
    failed = {name: value for name, value in samples.items() if name.startswith("silencio_decode_failures_total")}
    assert sum(failed.values()) == 1
    assert next(name for name, value in failed.items() if value) == next(name for name in failed if "not_audio" in name)
