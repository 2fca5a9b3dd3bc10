"""The Open Inference Protocol V2 at the transformer, over REST and gRPC, by the SDK's own clients."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest, ModelInferResponse
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from serving.local import LocalServers, local_servers
from silencio.bundle import Bundle, Scorer
from silencio.bundle.placeholder import write_placeholder_bundle
from tests.waiting import HANG_S

ROUTE = "/v2/models/silencio/infer"
Make = Callable[..., bytes]
Expected = Callable[..., Any]


def _audio(*encoded: bytes) -> InferInput:
    tensor = InferInput("audio", [len(encoded)], "BYTES")
    tensor.set_data_from_numpy(np.array(encoded, np.object_), binary_data=True)
    return tensor


def _json(*encoded: bytes, **parameters: object) -> dict[str, Any]:
    data = [base64.b64encode(one).decode() for one in encoded]
    tensor = {"name": "audio", "datatype": "BYTES", "shape": [len(data)], "data": data}
    return {"inputs": [tensor], "parameters": parameters}


def _codes(document: dict[str, Any]) -> list[list[str]]:
    return [[one["code"] for one in window["species"]] for window in document["windows"]]


def _outputs(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {one["name"]: one["data"] for one in answer.json()["outputs"]}


def test_rest__recordings_in_json(http: httpx.Client, recording: Make, expected: Expected, scorer: Scorer) -> None:
    several = [recording(12.0), recording(5.0, "FLAC", 48_000, 2)]
    outputs = _outputs(http.post(ROUTE, json=_json(*several, top_k="all")))
    assert outputs["n_windows"] == [3, 1]
    probabilities = np.reshape(outputs["probabilities"], (4, -1))
    np.testing.assert_allclose(probabilities, np.concatenate([scorer(one).probabilities for one in several]), atol=1e-5)
    documents = [json.loads(one) for one in outputs["document"]]
    assert [_codes(one) for one in documents] == [_codes(expected(one, "all")) for one in several]


def test_rest__binary_recordings_are_no_utf_8(servers: LocalServers, recording: Make, scorer: Scorer) -> None:
    encoded = recording()

    async def send() -> Any:
        async with InferenceRESTClient(RESTConfig(protocol="v2", timeout=HANG_S)) as client:
            request = InferRequest("silencio", [_audio(encoded)], request_id="seven")
            return await client.infer(servers.url, request, model_name="silencio")

    answer = asyncio.run(send())
    assert answer.id == "seven"
    outputs = {one.name: one.as_numpy() for one in answer.outputs}
    np.testing.assert_allclose(outputs["probabilities"], scorer(encoded).probabilities, atol=1e-5)


def test_grpc__recordings(servers: LocalServers, recording: Make, scorer: Scorer, expected: Expected) -> None:
    several = [recording(), recording(7.0, "WAV")]

    async def send() -> Any:
        async with InferenceGRPCClient(servers.grpc_address) as client:
            assert await client.is_model_ready("silencio")
            request = InferRequest("silencio", [_audio(*several)], parameters={"top_k": 2})
            return await client.infer(request)

    answer = asyncio.run(send())
    outputs = {one.name: one.as_numpy() for one in answer.outputs}
    assert outputs["n_windows"].tolist() == [1, 2]
    wanted = np.concatenate([scorer(one).probabilities for one in several])
    np.testing.assert_allclose(outputs["probabilities"], wanted, atol=1e-5)
    documents = [json.loads(one) for one in outputs["document"]]
    assert [_codes(one) for one in documents] == [_codes(expected(one, 2)) for one in several]


def test_rest__only_the_outputs_that_were_asked_for(http: httpx.Client, recording: Make) -> None:
    body = _json(recording()) | {"outputs": [{"name": "n_windows"}]}
    assert _outputs(http.post(ROUTE, json=body)) == {"n_windows": [1]}


def _send_grpc(servers: LocalServers, encoded: bytes, *outputs: str, **fields: str) -> ModelInferResponse:
    request = InferRequest("silencio", [_audio(encoded)]).to_grpc()
    request.outputs.extend(ModelInferRequest.InferRequestedOutputTensor(name=name) for name in outputs)
    for name, value in fields.items():
        setattr(request, name, value)
    with grpc.insecure_channel(servers.grpc_address) as channel:
        return GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=HANG_S)


@pytest.mark.parametrize("outputs", [["nope"], ["probabilities", "nope"]])
def test_outputs__an_unknown_one_is_refused_by_name_over_rest_and_grpc(
    servers: LocalServers, http: httpx.Client, recording: Make, outputs: list[str]
) -> None:
    sentence = "outputs: there is no 'nope'; there is probabilities, document, n_windows"
    answer = http.post(ROUTE, json=_json(recording()) | {"outputs": [{"name": name} for name in outputs]})
    assert (answer.status_code, answer.json()) == (400, {"error": sentence})
    with pytest.raises(grpc.RpcError) as caught:
        _send_grpc(servers, recording(), *outputs)
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.INVALID_ARGUMENT, sentence)


def test_outputs__come_as_they_were_asked_for_and_are_the_same_bits(
    servers: LocalServers, http: httpx.Client, recording: Make
) -> None:
    encoded, outputs = recording(12.0), ["n_windows", "probabilities"]
    tensor = {"name": "audio", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(encoded) + 4}}
    head = {"inputs": [tensor], "outputs": [{"name": name, "parameters": {"binary_data": True}} for name in outputs]}
    rest = http.post(ROUTE, **_binary(head, len(encoded).to_bytes(4, "little") + encoded))
    n_head_bytes = int(rest.headers["inference-header-content-length"])
    message = json.loads(rest.content[:n_head_bytes])
    answer = _send_grpc(servers, encoded, *outputs)
    assert [one["name"] for one in message["outputs"]] == [one.name for one in answer.outputs] == outputs
    assert rest.content[n_head_bytes:] == b"".join(answer.raw_output_contents)
    assert message["model_version"] == answer.model_version


def _placed(recording: bytes, latitude: object) -> ModelInferRequest:
    parameters = {"latitude": latitude, "longitude": "-74.21", "recorded_at": "2026-05-08T05:40:00-05:00"}
    return InferRequest("silencio", [_audio(recording)], parameters=parameters).to_grpc()


@pytest.mark.parametrize("latitude", ["6.76", 6])
def test_grpc__takes_a_place_in_degrees(servers: LocalServers, recording: Make, latitude: str | int) -> None:
    # KServe's messages have no numbers with a fraction: without texts nobody's place could be sent.
    with grpc.insecure_channel(servers.grpc_address) as channel:
        answer = GRPCInferenceServiceStub(channel).ModelInfer(_placed(recording(), latitude), timeout=HANG_S)
    assert [one.name for one in answer.outputs] == ["probabilities", "document", "n_windows"]


@pytest.mark.parametrize(
    ("latitude", "sentence"),
    [("north", "a number is needed"), ("nan", "a finite number is needed"), ("91", "at most 90 is needed")],
)
def test_grpc__refuses_degrees_that_are_none(
    servers: LocalServers, recording: Make, latitude: str, sentence: str
) -> None:
    with grpc.insecure_channel(servers.grpc_address) as channel, pytest.raises(grpc.RpcError) as caught:
        GRPCInferenceServiceStub(channel).ModelInfer(_placed(recording(), latitude), timeout=HANG_S)
    assert caught.value.details() == f"parameters.latitude: {sentence}"


def test_grpc__takes_what_rest_takes(servers: LocalServers, http: httpx.Client, recording: Make) -> None:
    """A minute of stereo is more than gRPC takes by itself."""
    encoded = recording(60.0, "WAV", 48_000, 2)
    assert len(encoded) > 8 << 20
    (n_windows,) = _send_grpc(servers, encoded, "n_windows").raw_output_contents
    assert _outputs(http.post(ROUTE, json=_json(encoded) | {"outputs": [{"name": "n_windows"}]})) == {"n_windows": [12]}
    assert int.from_bytes(n_windows, "little") == 12


def test_metadata__says_what_is_taken(http: httpx.Client, scorer: Scorer) -> None:
    metadata = http.get("/v2/models/silencio").json()
    assert [one["name"] for one in metadata["inputs"]] == ["audio"]
    probabilities = next(one for one in metadata["outputs"] if one["name"] == "probabilities")
    assert probabilities["shape"] == [-1, len(scorer.bundle.manifest.classes)]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"inputs": []}, "inputs: one input is needed: audio"),
        ({"name": "sound"}, "inputs: one input is needed: audio"),
        ({"datatype": "FP32", "data": [0.5]}, "inputs.audio: datatype BYTES is needed, this is FP32"),
        ({"shape": [2]}, "inputs.audio: the data do not hold 2 byte strings"),
        ({"shape": [0], "data": []}, "inputs.audio: shape [1 to 64] is needed, this is [0]"),
        ({"shape": [65], "data": ["QQ=="] * 65}, "inputs.audio: shape [1 to 64] is needed, this is [65]"),
        ({"shape": [1, 1, 1]}, "inputs.audio: shape [1 to 64] is needed, this is [1, 1, 1]"),
        ({"data": ["no base64!"]}, "inputs.audio[0]: not base64"),
        ({"data": [""]}, "inputs.audio[0]: a recording is needed"),
        ({"data": ["Z2FyYmFnZQ=="]}, "inputs.audio[0]: not audio that can be decoded"),
        ({"parameters": {"topk": 1}}, "parameters.topk: is not a field"),
        ({"parameters": {"top_k": "most"}}, "parameters.top_k: a whole number"),
        ({"parameters": {"format": "raven"}}, "parameters.format: V2 answers tensors"),
        ({"parameters": {"spec_sha256": "00"}}, "parameters.spec_sha256: this bundle has "),
    ],
)
def test_rest__wrong(http: httpx.Client, recording: Make, change: dict[str, Any], error: str) -> None:
    body = _json(recording())
    for name, value in change.items():
        (body if name in ("inputs", "parameters") else body["inputs"][0])[name] = value
    answer = http.post(ROUTE, json=body)
    assert (answer.status_code, answer.json()["error"][: len(error)]) == (400, error)


def _binary(head: dict[str, Any], tensors: bytes, length: str | None = None) -> dict[str, Any]:
    text = json.dumps(head).encode()
    headers = {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(text)) if length is None else length,
    }
    return {"content": text + tensors, "headers": headers}


@pytest.mark.parametrize(
    ("head", "tensors", "length", "error"),
    [
        ({}, b"", None, "body: inputs: an object with a list"),
        ({"inputs": [5]}, b"", None, "body: inputs[0]: an object is needed"),
        ({"inputs": []}, b"rest", None, "body: body: 4 bytes are left that no input claims"),
        ({"inputs": []}, b"", "9999999", "body: header Inference-Header-Content-Length: '9999999' is no length"),
        ({"inputs": []}, b"", "-1", "body: header Inference-Header-Content-Length: '-1' is no length"),
        ({"inputs": [{"name": "audio", "datatype": "BYTES"}]}, b"", None, "body: inputs[0].shape: a list"),
        ({"inputs": [{"name": "audio", "datatype": "BYTES", "shape": [1]}]}, b"", None, "body: inputs[0]: data, or"),
    ],
)
def test_rest__wrong_binary(
    http: httpx.Client, head: dict[str, Any], tensors: bytes, length: str | None, error: str
) -> None:
    answer = http.post(ROUTE, **_binary(head, tensors, length))
    assert (answer.status_code, answer.json()["error"][: len(error)]) == (400, error)


@pytest.mark.parametrize("size_bytes", [-1, 10**9, "5", 3])
def test_rest__wrong_binary_size(http: httpx.Client, size_bytes: object) -> None:
    tensor = {"name": "audio", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": size_bytes}}
    assert http.post(ROUTE, **_binary({"inputs": [tensor]}, b"\x08\x00\x00")).status_code == 400


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalServers, Scorer]]:
    """Servers of a bundle whose graph takes log-mel alone."""
    directory = write_placeholder_bundle(tmp_path_factory.mktemp("log-mel"), inputs=["log_mel"])
    with local_servers(directory, start_timeout_s=HANG_S) as servers:
        yield servers, Scorer(Bundle(directory))


def test_log_mel__computed_on_the_device(edge: tuple[LocalServers, Scorer], recording: Make) -> None:
    servers, scorer = edge
    encoded = recording(55.0)  # 11 whole windows: more than one call to the predictor takes
    log_mel = scorer.front_end(encoded).inputs["log_mel"]

    async def send() -> Any:
        tensor = InferInput("log_mel", list(log_mel.shape), "FP32")
        tensor.set_data_from_numpy(log_mel, binary_data=True)
        sha = scorer.bundle.manifest.spec_sha256
        async with InferenceGRPCClient(servers.grpc_address) as client:
            return await client.infer(InferRequest("silencio", [tensor], parameters={"spec_sha256": sha}))

    outputs = {one.name: one.as_numpy() for one in asyncio.run(send()).outputs}
    np.testing.assert_allclose(outputs["probabilities"], scorer(encoded).probabilities, atol=1e-5)
    assert [one["start_s"] for one in json.loads(outputs["document"][0])["windows"]] == [5.0 * i for i in range(11)]


@pytest.mark.parametrize(
    ("shape", "value", "sha", "error"),
    [
        ([1, 128, 313], 0.0, None, "parameters.spec_sha256: is missing"),
        ([1, 128, 313], 0.0, "0" * 64, "parameters.spec_sha256: this bundle has "),
        ([1, 64, 313], 0.0, "own", "inputs.log_mel: shape [1 to 120, 128, 313] is needed, this is [1, 64, 313]"),
        ([128, 313], 0.0, "own", "inputs.log_mel: shape [1 to 120, 128, 313] is needed"),
        ([1, 128, 313], np.nan, "own", "inputs.log_mel: every number must be finite"),
    ],
)
def test_log_mel__wrong(
    edge: tuple[LocalServers, Scorer], shape: list[int], value: float, sha: str | None, error: str
) -> None:
    servers, scorer = edge
    own = {"own": scorer.bundle.manifest.spec_sha256, None: None}.get(sha, sha)
    array = np.full(shape, value, np.float32)
    tensor = {"name": "log_mel", "datatype": "FP32", "shape": shape, "parameters": {"binary_data_size": array.nbytes}}
    head = {"inputs": [tensor], "parameters": {"spec_sha256": own} if own else {}}
    answer = httpx.post(servers.url + ROUTE, **_binary(head, array.tobytes()), trust_env=False, timeout=HANG_S)
    assert (answer.status_code, answer.json()["error"][: len(error)]) == (400, error)


def test_log_mel__refused_where_the_bundle_needs_more(http: httpx.Client, scorer: Scorer) -> None:
    array = np.zeros((1, 128, 313), np.float32)
    tensor = {"name": "log_mel", "datatype": "FP32", "shape": [1, 128, 313], "data": array.ravel().tolist()}
    body = {"inputs": [tensor], "parameters": {"spec_sha256": scorer.bundle.manifest.spec_sha256}}
    answer = http.post(ROUTE, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "inputs.log_mel: this bundle also needs waveform; send recordings as audio"


def test_grpc__a_wrong_recording_is_the_clients_fault(servers: LocalServers) -> None:
    async def send() -> Any:
        async with InferenceGRPCClient(servers.grpc_address, retries=0) as client:
            return await client.infer(InferRequest("silencio", [_audio(b"garbage")]))

    with pytest.raises(grpc.RpcError) as caught:
        asyncio.run(send())
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "inputs.audio[0]: not audio" in caught.value.details()
