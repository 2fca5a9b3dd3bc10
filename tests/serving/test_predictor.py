"""The predictor over its own protocol, V2, asked by the stock clients."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest, InferResponse
from numpy.typing import NDArray

from serving.local import LocalServers
from silencio.bundle import Scorer
from silencio.bundle.graph import MOST_WINDOWS

DATATYPES = {"float32": "FP32", "int16": "INT16", "float64": "FP64"}
Tensors = dict[str, NDArray[Any]]


@pytest.fixture
def tensors(scorer: Scorer) -> Tensors:
    """Two windows."""
    clip = scorer.bundle.parity.clips[0]
    return {"log_mel": clip.log_mel, "waveform": clip.waveform}


def _grpc_address(servers: LocalServers) -> str:
    arguments = servers.predictor.process.args
    assert isinstance(arguments, list)
    return f"127.0.0.1:{arguments[arguments.index('--grpc_port') + 1]}"


def _ask(servers: LocalServers, tensors: Mapping[str, NDArray[Any]], model_name: str = "silencio") -> InferResponse:
    inputs = []
    for name, array in tensors.items():
        inputs.append(InferInput(name, list(array.shape), DATATYPES[array.dtype.name]))
        inputs[-1].set_data_from_numpy(array, binary_data=True)

    async def ask() -> InferResponse:
        async with InferenceGRPCClient(_grpc_address(servers)) as client:
            return await client.infer(InferRequest(model_name, inputs), timeout=20)

    return asyncio.run(ask())


def _refusal(servers: LocalServers, tensors: Mapping[str, NDArray[Any]]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _ask(servers, tensors)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    return str(caught.value.details())


def test_predictor__stock_grpc_client_gets_the_bundles_own_numbers(
    servers: LocalServers, scorer: Scorer, tensors: Tensors
) -> None:
    output = _ask(servers, tensors).outputs[0]
    assert output.name == "probabilities"
    np.testing.assert_array_equal(output.as_numpy(), scorer.bundle.parity.clips[0].probabilities)


def test_predictor__rest_v2_gives_the_same(servers: LocalServers, scorer: Scorer, tensors: Tensors) -> None:
    inputs = [
        {"name": n, "shape": list(t.shape), "datatype": DATATYPES[t.dtype.name], "data": t.ravel().tolist()}
        for n, t in tensors.items()
    ]
    url = f"{servers.predictor.url}/v2/models/silencio/infer"
    answer = httpx.post(url, json={"inputs": inputs}, trust_env=False, timeout=30)
    got = np.array(answer.json()["outputs"][0]["data"], np.float32).reshape(-1, len(scorer.bundle.manifest.classes))
    np.testing.assert_array_equal(got, scorer.bundle.parity.clips[0].probabilities)


def test_predictor__metadata_says_what_it_takes_and_gives(servers: LocalServers) -> None:
    metadata = httpx.get(f"{servers.predictor.url}/v2/models/silencio", trust_env=False).json()
    assert metadata["inputs"] == [
        {"name": "log_mel", "datatype": "FP32", "shape": [-1, 128, 313]},
        {"name": "waveform", "datatype": "INT16", "shape": [-1, 160_000]},
    ]
    assert metadata["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 5]}]


def test_predictor__a_tensor_is_missing(servers: LocalServers, tensors: Tensors) -> None:
    del tensors["waveform"]
    assert _refusal(servers, tensors) == "inputs: the graph takes log_mel, waveform, the request has log_mel"


def test_predictor__a_tensor_that_nobody_asked_for(servers: LocalServers, tensors: Tensors) -> None:
    assert "the request has extra, log_mel, waveform" in _refusal(servers, tensors | {"extra": np.zeros(3, np.int16)})


def test_predictor__another_type(servers: LocalServers, tensors: Tensors) -> None:
    tensors["log_mel"] = tensors["log_mel"].astype(np.float64)
    assert _refusal(servers, tensors) == "inputs.log_mel: datatype FP32 is needed, this is FP64"


@pytest.mark.parametrize("shape", [(2, 128, 312), (2, 128 * 313), (128, 313), (0, 128, 313), (9, 128, 313)])
def test_predictor__another_shape(servers: LocalServers, tensors: Tensors, shape: tuple[int, ...]) -> None:
    tensors["log_mel"] = np.zeros(shape, np.float32)
    assert f"inputs.log_mel: shape [1 to {MOST_WINDOWS}, 128, 313] is needed" in _refusal(servers, tensors)


def test_predictor__differing_numbers_of_windows(servers: LocalServers, tensors: Tensors) -> None:
    tensors["log_mel"] = tensors["log_mel"][:1]
    assert "one number of windows is needed" in _refusal(servers, tensors)


def test_predictor__numbers_that_are_none(servers: LocalServers, tensors: Tensors) -> None:
    tensors["log_mel"] = tensors["log_mel"].copy()
    tensors["log_mel"][0, 0, 0] = np.nan
    assert _refusal(servers, tensors) == "inputs.log_mel: every number must be finite"


def test_predictor__v1_is_not_its_protocol(servers: LocalServers) -> None:
    url = f"{servers.predictor.url}/v1/models/silencio:predict"
    answer = httpx.post(url, json={"instances": [1]}, trust_env=False)
    assert answer.status_code == 400
    assert "takes tensors by V2" in answer.json()["error"]


def test_predictor__is_found_under_its_bundles_name_and_no_other(
    servers: LocalServers, scorer: Scorer, tensors: Tensors
) -> None:
    own = f"silencio@{scorer.bundle.manifest.manifest_sha256[:16]}"
    assert _ask(servers, tensors, own).outputs
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _ask(servers, tensors, "silencio@0123456789abcdef")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
