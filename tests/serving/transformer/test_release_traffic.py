"""A champion that copies its requests to a challenger, as two real transformers, and what both keep of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from kserve import InferInput, InferRequest
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from prometheus_client.parser import text_string_to_metric_families

from serving.local import LocalServers, local_servers
from silencio.prediction_log import read_log
from tests.waiting import HANG_S, until

ROUTE = "/v1/models/silencio:predict"
Make = Callable[..., bytes]


@dataclass(frozen=True)
class Arms:
    champion: LocalServers
    challenger: LocalServers
    logs: Path

    def rows(self, arm: str) -> list[dict[str, Any]]:
        now = datetime.now(UTC)
        found = read_log(str(self.logs / arm), now - timedelta(hours=1), now + timedelta(hours=1)).to_pylist()
        return sorted(found, key=lambda row: (row["received_at"], row["start_s"] or 0.0))


@pytest.fixture(scope="module")
def arms(bundle_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arms]:
    logs = tmp_path_factory.mktemp("arms")

    def options(arm: str) -> list[str]:
        own = ["--arm", arm, "--release_id", "r-13", "--session_s", "1e12"]
        return [*own, "--prediction_log", str(logs / arm), "--prediction_log_seconds", "0"]

    with local_servers(
        bundle_directory, transformer_options=options("challenger"), start_timeout_s=HANG_S
    ) as challenger:
        shadow = ["--shadow", challenger.url, "--shadow_share", "1"]
        with local_servers(
            bundle_directory, transformer_options=[*options("champion"), *shadow], start_timeout_s=HANG_S
        ) as champion:
            yield Arms(champion, challenger, logs)


def _samples(url: str) -> dict[str, float]:
    """By name and the labels' values, the version left out; of ours alone."""
    text = httpx.get(f"{url}/metrics", trust_env=False, timeout=HANG_S).text
    return {
        f"{one.name}({','.join(value for name, value in one.labels.items() if name != 'version')})": one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name.startswith("silencio_") and one.labels.get("version")
    }


def _post(url: str, content: bytes, **headers: str) -> httpx.Response:
    named = {"Content-Type": "audio/ogg"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(url + ROUTE, content=content, headers=named, trust_env=False, timeout=HANG_S)


# What visitors' traffic alone may move.
_VISITORS = (
    "silencio_requests_total(/v1/models/{name}:predict,200)",
    "silencio_requests_total(/v1/models/{name}:predict,400)",
    "silencio_request_seconds_count(/v1/models/{name}:predict)",
    "silencio_answer_seconds_count(interactive)",
    "silencio_answer_seconds_count(batch)",
    "silencio_sessions_total()",
    "silencio_failed_sessions_total()",
    "silencio_windows_total()",
    "silencio_top_probability_count()",
    "silencio_audio_level_dbfs_count()",
    "silencio_stage_seconds_count(decode)",
    "silencio_decode_failures_total(not_audio)",
)


def test_shadow__both_logs_have_the_same_request_and_the_challenger_no_visitor(arms: Arms, recording: Make) -> None:
    before = _samples(arms.challenger.url)
    recorder = {"X_Silencio_Site": "north", "X_Silencio_Device": "24F31901603710FD"}
    answer = _post(arms.champion.url, recording(12.0), X_Session_ID="walk-7", X_Request_ID="mine", **recorder)
    assert answer.status_code == 200
    assert (answer.headers["x-silencio-arm"], answer.headers["x-silencio-release"]) == ("champion", "r-13")
    until(lambda: _samples(arms.champion.url)["silencio_shadow_sent_total()"] >= 1)
    own, copied = (until(lambda: len(rows := arms.rows(arm)) >= 3 and rows) for arm in ("champion", "challenger"))  # noqa: B023
    for name in ("request_id", "prediction_id", "client_request_id", "session_id", "waveform_sha256", "start_s"):
        assert [row[name] for row in own] == [row[name] for row in copied], name
    assert {(row["site_id"], row["device_id"]) for row in (*own, *copied)} == {("north", "24F31901603710FD")}
    assert {row["request_id"] for row in copied} == {answer.headers["x-silencio-request-id"]}
    assert {(row["arm"], row["release_id"], row["shadow"]) for row in own} == {("champion", "r-13", False)}
    assert {(row["arm"], row["release_id"], row["shadow"]) for row in copied} == {("challenger", "r-13", True)}
    counted = "silencio_marked_requests_total(200,shadow)"
    after = until(lambda: (found := _samples(arms.challenger.url))[counted] > before[counted] and found)
    assert {name: after[name] - before[name] for name in _VISITORS} == dict.fromkeys(_VISITORS, 0.0)


def test_failed__request_is_a_row_of_its_arm_and_no_recordings(arms: Arms) -> None:
    assert _post(arms.champion.url, b"no audio", X_Session_ID="walk-9").status_code == 400
    rows = until(lambda: [row for row in arms.rows("champion") if row["session_id"] == "walk-9"])
    assert [(row["status"], row["arm"], row["release_id"], row["shadow"]) for row in rows] == [
        ("400", "champion", "r-13", False)
    ]
    assert {rows[0][name] for name in ("start_s", "detected_codes", "probabilities", "recording_sha256")} == {None}


def test_marked__recordings_that_are_none_are_counted_apart_too(arms: Arms) -> None:
    before = _samples(arms.challenger.url)
    assert _post(arms.challenger.url, b"no audio", X_Silencio_Simulated="1").status_code == 400
    after = until(
        lambda: (found := _samples(arms.challenger.url))["silencio_marked_requests_total(400,simulated)"] and found
    )
    assert {name: after[name] - before[name] for name in _VISITORS} == dict.fromkeys(_VISITORS, 0.0)


def test_simulated__users_leave_no_row(arms: Arms, recording: Make) -> None:
    """A visitor's row behind it shows that it was not only late."""
    assert _post(arms.challenger.url, recording(), X_Silencio_Simulated="1", X_Request_ID="simulated").is_success
    assert _post(arms.challenger.url, recording(), X_Request_ID="visitor").is_success
    ids = until(lambda: "visitor" in (found := {row["client_request_id"] for row in arms.rows("challenger")}) and found)
    assert "simulated" not in ids


def test_session__is_in_the_log_and_counted_once_by_header_query_or_body(
    arms: Arms, recording: Make, v1_instance: Callable[[bytes], dict[str, object]]
) -> None:
    url, content = arms.challenger.url, recording()
    before = _samples(url)
    instance = v1_instance(content)
    with httpx.Client(base_url=url, trust_env=False, timeout=HANG_S) as client:
        typed = {"Content-Type": "audio/ogg"}
        answers = [
            client.post(ROUTE, content=content, headers=typed | {"X-Session-ID": "walk ñ".encode()}),
            client.post(f"{ROUTE}?session_id=walk%20%C3%B1", content=content, headers=typed),
            client.post(f"{ROUTE}?session_id=walk%20%C3%B1", json={"instances": [instance]}),
            client.post(ROUTE, json={"instances": [instance | {"session_id": "walk ñ"}]}),
            client.post(
                ROUTE, json={"instances": [instance | {"session_id": "of the body"}]}, headers={"X-Session-ID": "head"}
            ),
        ]
    assert [one.status_code for one in answers] == [200] * 5
    ids = [one.headers["x-silencio-request-id"] for one in answers]
    found = until(
        lambda: (
            set(ids) <= (rows := {row["request_id"]: row["session_id"] for row in arms.rows("challenger")}).keys()
            and rows
        )
    )
    assert [found[one] for one in ids] == ["walk ñ"] * 4 + ["of the body"]
    counted = "silencio_requests_total(/v1/models/{name}:predict,200)"
    after = until(lambda: (found := _samples(url))[counted] - before[counted] == 5 and found)
    # What a proxy sees counts, so `head` and not what that body says.
    assert after["silencio_sessions_total()"] - before["silencio_sessions_total()"] == 2


def test_recorder__is_in_the_log_by_header_query_or_body(
    arms: Arms, recording: Make, v1_instance: Callable[[bytes], dict[str, object]]
) -> None:
    content = recording()
    instance = v1_instance(content)
    named = {"site_id": "north", "device_id": "SMA01234"}
    headers = {"X-Silencio-Site": "north", "X-Silencio-Device": "SMA01234"}
    with httpx.Client(base_url=arms.challenger.url, trust_env=False, timeout=HANG_S) as client:
        answers = [
            client.post(ROUTE, content=content, headers=headers | {"Content-Type": "audio/ogg"}),
            client.post(ROUTE, params=named, content=content, headers={"Content-Type": "audio/ogg"}),
            client.post(ROUTE, json={"instances": [instance]}, headers=headers),
            # Each by itself: the body names one of them.
            client.post(ROUTE, json={"instances": [instance | {"device_id": "SMA01234"}]}, headers=headers),
            client.post(
                ROUTE, json={"instances": [instance | named]}, headers={"X-Silencio-Site": "no id, not looked at"}
            ),
            client.post(ROUTE, content=content, headers={"Content-Type": "audio/ogg", "X-Silencio-Site": ""}),
        ]
    assert [one.status_code for one in answers] == [200] * 6
    ids = [one.headers["x-silencio-request-id"] for one in answers]

    def logged() -> dict[str, tuple[str | None, str | None]] | None:
        rows = {row["request_id"]: (row["site_id"], row["device_id"]) for row in arms.rows("challenger")}
        return rows if set(ids) <= rows.keys() else None

    found = until(logged)
    assert [found[one] for one in ids] == [("north", "SMA01234")] * 5 + [(None, None)]  # without a key no device


def test_recorder__is_in_the_log_by_v2s_parameters_and_head_over_rest_and_grpc(arms: Arms, recording: Make) -> None:
    content = recording()
    named = {"site_id": "north", "device_id": "SMA01234"}
    head = {"x-silencio-site": "north", "x-silencio-device": "SMA01234"}

    def sent(session_id: str, parameters: dict[str, Any]) -> ModelInferRequest:
        tensor = InferInput("audio", [1], "BYTES")
        tensor.set_data_from_numpy(np.array([content], np.object_), binary_data=True)
        return InferRequest("silencio", [tensor], parameters={"session_id": session_id, **parameters}).to_grpc()

    route = "/v2/models/silencio/infer"
    data = [base64.b64encode(content).decode()]
    inputs = [{"name": "audio", "datatype": "BYTES", "shape": [1], "data": data}]
    with httpx.Client(base_url=arms.challenger.url, trust_env=False, timeout=HANG_S) as client:
        for session_id, parameters, headers in (("rest-named", named, {}), ("rest-head", {}, head)):
            body = {"inputs": inputs, "parameters": {"session_id": session_id, **parameters}}
            assert client.post(route, json=body, headers=headers).status_code == 200
    with grpc.insecure_channel(arms.challenger.grpc_address) as channel:
        stub = GRPCInferenceServiceStub(channel)
        for session_id, parameters, headers in (("grpc-named", named, {}), ("grpc-head", {}, head)):
            stub.ModelInfer(sent(session_id, parameters), metadata=tuple(headers.items()), timeout=HANG_S)
    wanted = {"rest-named", "rest-head", "grpc-named", "grpc-head"}

    def logged() -> dict[str, tuple[str | None, str | None]] | None:
        rows = {row["session_id"]: (row["site_id"], row["device_id"]) for row in arms.rows("challenger")}
        return rows if wanted <= rows.keys() else None

    found = until(logged)
    assert {one: found[one] for one in wanted} == dict.fromkeys(wanted, ("north", "SMA01234"))


@pytest.mark.parametrize("name", ["X-Silencio-Site", "X-Silencio-Device"])
@pytest.mark.parametrize("value", ["x" * 65, "a b", "../etc", ".hidden", "north/ridge"])
def test_recorder__a_header_that_is_no_id_is_refused(arms: Arms, recording: Make, name: str, value: str) -> None:
    answer = _post(arms.challenger.url, recording(), **{name: value})
    assert answer.status_code == 400
    assert answer.json()["error"] == f"{name}: 1 to 64 letters, digits and ._@- are needed, first a letter or a digit"


@pytest.mark.parametrize("header", ["x" * 201, "a\tb"])
def test_session__a_header_that_is_none_follows_the_bodys_rules(arms: Arms, recording: Make, header: str) -> None:
    answer = _post(arms.challenger.url, recording(), X_Session_ID=header)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("X-Session-ID: ")


def test_session__an_empty_header_is_none(arms: Arms, recording: Make) -> None:
    assert _post(arms.challenger.url, recording(), X_Session_ID="").status_code == 200


def test_shadow__a_target_that_is_gone_is_noticed_by_no_visitor_and_the_end_is_in_order(
    bundle_directory: Path, arms: Arms, recording: Make
) -> None:
    """The last of these tests: it takes the challenger away."""
    arms.challenger.stop()
    assert [_post(arms.champion.url, recording()).status_code for _ in range(5)] == [200] * 5
    until(lambda: _samples(arms.champion.url)["silencio_shadow_dropped_total(unreachable)"] >= 5)
    arms.champion.stop()
    assert "shadow traffic: closed after" in arms.champion.transformer.log.read_text()
