"""Clients of KServe's two protocols, as they come: what each sends is taken, and all get the same numbers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

from serving.local import LocalServers
from silencio.bundle import Scorer
from tests.serving.clients.conftest import Run
from tests.waiting import HANG_S


@pytest.fixture(scope="module")
def by_triton(send: Run, servers: LocalServers, recording_file: Path) -> dict[str, Any]:
    return send("ask_triton.py", servers.url.removeprefix("http://"), recording_file)


@pytest.fixture(scope="module")
def by_mlserver(send: Run, servers: LocalServers, recording_file: Path) -> dict[str, Any]:
    return send("ask_mlserver.py", servers.url, recording_file)


@pytest.mark.parametrize("form", ["json", "binary", "packed", "packed json"])
def test_triton__every_way_of_http(by_triton: dict[str, Any], scorer: Scorer, recording_file: Path, form: str) -> None:
    answer = by_triton[form]
    np.testing.assert_allclose(answer["probabilities"], scorer(recording_file.read_bytes()).probabilities, atol=1e-5)
    assert (answer["id"], answer["n_windows"]) == ("seven", [2])
    assert len(json.loads(answer["document"][0])["windows"]) == 2


def test_triton__probes_and_metadata(by_triton: dict[str, Any]) -> None:
    assert by_triton["ready"] == [True, True, True]
    assert [one["name"] for one in by_triton["metadata"]["inputs"]] == ["audio"]


def test_triton__a_refusal_is_its_own_error(by_triton: dict[str, Any]) -> None:
    status, text = by_triton["refused"]
    assert status == "400"
    assert text.startswith("inputs.audio[0]: not audio that can be decoded")


def test_mlserver__its_types_and_codecs(by_mlserver: dict[str, Any], scorer: Scorer, recording_file: Path) -> None:
    wanted = scorer(recording_file.read_bytes()).probabilities
    np.testing.assert_allclose(by_mlserver["probabilities"], wanted, atol=1e-5)
    assert (by_mlserver["id"], by_mlserver["inputs"]) == ("seven", ["audio"])
    assert len(json.loads(by_mlserver["document"][0])["windows"]) == 2
    assert by_mlserver["refused"].startswith("inputs: one input is needed: audio")


def test_kserve__v1(servers: LocalServers, v1_instance: Any, recording_file: Path) -> None:
    async def send() -> Any:
        async with InferenceRESTClient(RESTConfig(protocol="v1", timeout=HANG_S)) as client:
            body = {"instances": [v1_instance(recording_file.read_bytes())]}
            assert await client.is_model_ready(servers.url, "silencio")
            return await client.infer(servers.url, body, model_name="silencio")

    assert len(asyncio.run(send())["predictions"][0]["windows"]) == 2


@pytest.mark.parametrize("is_binary", [True, False])
def test_kserve__v2(servers: LocalServers, v1_instance: Any, recording_file: Path, is_binary: bool) -> None:
    encoded = recording_file.read_bytes()

    async def send() -> Any:
        tensor = InferInput("audio", [1], "BYTES")
        content = encoded if is_binary else v1_instance(encoded)["audio"]["b64"].encode()
        tensor.set_data_from_numpy(np.array([content], np.object_), binary_data=is_binary)
        async with InferenceRESTClient(RESTConfig(protocol="v2", timeout=HANG_S)) as client:
            assert await client.is_server_ready(servers.url)
            assert await client.is_model_ready(servers.url, "silencio")
            return await client.infer(servers.url, InferRequest("silencio", [tensor]), model_name="silencio")

    outputs = {one.name: one.as_numpy().tolist() for one in asyncio.run(send()).outputs}
    assert outputs["n_windows"] == [2]
