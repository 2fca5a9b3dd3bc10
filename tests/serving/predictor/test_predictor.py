"""The predictor over its own protocol, V2, asked by the stock clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest, InferResponse
from numpy.typing import NDArray

from serving.local import LocalServers
from serving.local.server_process import ServerProcess
from silencio.bundle import Scorer
from silencio.bundle.graph import MAX_RUN_WINDOWS
from silencio.network import free_ports
from tests.waiting import HANG_S, until

DATATYPES = {"float32": "FP32", "int16": "INT16", "float64": "FP64"}
Tensors = dict[str, NDArray[Any]]


@pytest.fixture
def tensors(scorer: Scorer) -> Tensors:
    """Two windows."""
    clip = scorer.bundle.parity.clips[0]
    return {"log_mel": clip.log_mel, "waveform": clip.waveform}


def _grpc_address(servers: LocalServers) -> str:
    return _address(servers.predictor)


def _address(predictor: ServerProcess) -> str:
    arguments = predictor.process.args
    assert isinstance(arguments, list)
    return f"127.0.0.1:{arguments[arguments.index('--grpc_port') + 1]}"


def _send(servers: LocalServers, tensors: Mapping[str, NDArray[Any]], model_name: str = "silencio") -> InferResponse:
    inputs = []
    for name, array in tensors.items():
        inputs.append(InferInput(name, list(array.shape), DATATYPES[array.dtype.name]))
        inputs[-1].set_data_from_numpy(array, binary_data=True)

    async def send() -> InferResponse:
        async with InferenceGRPCClient(_grpc_address(servers)) as client:
            return await client.infer(InferRequest(model_name, inputs), timeout=HANG_S)

    return asyncio.run(send())


def _refusal(servers: LocalServers, tensors: Mapping[str, NDArray[Any]]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _send(servers, tensors)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    return str(caught.value.details())


def test_predictor__stock_grpc_client_gets_the_bundles_own_numbers(
    servers: LocalServers, scorer: Scorer, tensors: Tensors
) -> None:
    output = _send(servers, tensors).outputs[0]
    assert output.name == "probabilities"
    np.testing.assert_allclose(output.as_numpy(), scorer.bundle.parity.clips[0].probabilities, rtol=0, atol=1e-6)


def test_predictor__rest_v2_gives_the_same(servers: LocalServers, scorer: Scorer, tensors: Tensors) -> None:
    inputs = [
        {"name": n, "shape": list(t.shape), "datatype": DATATYPES[t.dtype.name], "data": t.ravel().tolist()}
        for n, t in tensors.items()
    ]
    url = f"{servers.predictor.url}/v2/models/silencio/infer"
    answer = httpx.post(url, json={"inputs": inputs}, trust_env=False, timeout=HANG_S)
    got = np.array(answer.json()["outputs"][0]["data"], np.float32).reshape(-1, len(scorer.bundle.manifest.classes))
    np.testing.assert_allclose(got, scorer.bundle.parity.clips[0].probabilities, rtol=0, atol=1e-6)


def test_predictor__metadata_says_what_it_takes_and_gives(servers: LocalServers) -> None:
    metadata = httpx.get(f"{servers.predictor.url}/v2/models/silencio", trust_env=False, timeout=HANG_S).json()
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
    assert f"inputs.log_mel: shape [1 to {MAX_RUN_WINDOWS}, 128, 313] is needed" in _refusal(servers, tensors)


def test_predictor__differing_numbers_of_windows(servers: LocalServers, tensors: Tensors) -> None:
    tensors["log_mel"] = tensors["log_mel"][:1]
    assert "one number of windows is needed" in _refusal(servers, tensors)


def test_predictor__numbers_that_are_none(servers: LocalServers, tensors: Tensors) -> None:
    tensors["log_mel"] = tensors["log_mel"].copy()
    tensors["log_mel"][0, 0, 0] = np.nan
    assert _refusal(servers, tensors) == "inputs.log_mel: every number must be finite"


def test_predictor__v1_is_not_its_protocol(servers: LocalServers) -> None:
    url = f"{servers.predictor.url}/v1/models/silencio:predict"
    answer = httpx.post(url, json={"instances": [1]}, trust_env=False, timeout=HANG_S)
    assert answer.status_code == 400
    assert "takes tensors by V2" in answer.json()["error"]


def test_predictor__is_found_under_its_bundles_name_and_no_other(
    servers: LocalServers, scorer: Scorer, tensors: Tensors
) -> None:
    own = f"silencio@{scorer.bundle.manifest.manifest_sha256[:16]}"
    assert _send(servers, tensors, own).outputs
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _send(servers, tensors, "silencio@0123456789abcdef")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.fixture(scope="module")
def waiting(bundle_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A predictor whose windows wait an hour for company that never comes, unless they are eight at once: a full run.

    In its queue five find room; more are taken when nothing waits.
    """
    rest_port, grpc_port = free_ports(2)
    arguments = ["--bundle", str(bundle_directory), "--http_port", str(rest_port), "--grpc_port", str(grpc_port)]
    arguments += [
        "--n_workers",
        "1",
        "--max_batch_delay_ms",
        "3600000",
        "--max_batch_windows",
        "8",
        "--max_queued_windows",
        "5",
    ]
    log = tmp_path_factory.mktemp("waiting") / "predictor.log"
    server = ServerProcess.start("serving.predictor", arguments, f"http://127.0.0.1:{rest_port}", log)
    until(lambda: server.exit_code() is not None or server.readiness().ready, server.last_lines)
    assert server.exit_code() is None, server.last_lines()
    yield server
    server.stop()


def _metric(server: ServerProcess, name: str) -> float:
    lines = httpx.get(f"{server.url}/metrics", trust_env=False, timeout=HANG_S).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name}{{"))


def _request(tensors: Mapping[str, NDArray[Any]], **parameters: str) -> InferRequest:
    inputs = []
    for name, array in tensors.items():
        inputs.append(InferInput(name, list(array.shape), DATATYPES[array.dtype.name]))
        inputs[-1].set_data_from_numpy(array, binary_data=True)
    return InferRequest("silencio", inputs, parameters=parameters)


def test_predictor__with_a_full_queue_says_so_at_once_over_both_protocols(
    waiting: ServerProcess, tensors: Tensors
) -> None:
    five = {name: np.resize(array, (5, *array.shape[1:])) for name, array in tensors.items()}
    body = {
        "inputs": [
            {"name": n, "shape": list(t.shape), "datatype": DATATYPES[t.dtype.name], "data": t.ravel().tolist()}
            for n, t in tensors.items()
        ]
    }

    async def send() -> None:
        async with (
            InferenceGRPCClient(_address(waiting)) as client,
            httpx.AsyncClient(trust_env=False, timeout=HANG_S) as http,
        ):
            first = asyncio.ensure_future(client.infer(_request(five), timeout=HANG_S))
            await asyncio.to_thread(until, lambda: _metric(waiting, "silencio_queue_windows") == 5)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await client.infer(_request(tensors), timeout=HANG_S)
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert caught.value.details() == (
                "the predictor is busy: 5 interactive windows wait already, 5 are the most; try again"
            )
            answer = await http.post(f"{waiting.url}/v2/models/silencio/infer", json=body)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "1"
            assert "the predictor is busy" in answer.json()["error"]
            assert not first.done()
            first.cancel()
            await asyncio.to_thread(until, lambda: _metric(waiting, "silencio_queue_windows") == 0)

    asyncio.run(send())


def test_predictor__counts_what_waits_and_what_runs(waiting: ServerProcess, tensors: Tensors) -> None:
    eight = {name: np.resize(array, (8, *array.shape[1:])) for name, array in tensors.items()}

    def metric(name: str) -> float:
        return _metric(waiting, name)

    async def send() -> None:
        async with InferenceGRPCClient(_address(waiting)) as client:
            answer = asyncio.ensure_future(client.infer(_request(tensors), timeout=HANG_S))
            await asyncio.to_thread(until, lambda: metric("silencio_queue_windows") == 2)
            answer.cancel()
            await asyncio.to_thread(until, lambda: metric("silencio_queue_windows") == 0)
            await client.infer(_request(eight), timeout=HANG_S)

    n_windows, n_runs = metric("silencio_batch_windows_sum"), metric("silencio_batch_windows_count")
    asyncio.run(send())
    assert metric("silencio_queue_windows") == 0
    until(lambda: metric("silencio_batch_windows_count") == n_runs + 1)  # counted just after the answer
    assert metric("silencio_batch_windows_sum") == n_windows + 8


def test_predictor__forgets_a_request_whose_client_has_gone(waiting: ServerProcess, tensors: Tensors) -> None:
    five, eight = ({name: np.resize(one, (n, *one.shape[1:])) for name, one in tensors.items()} for n in (5, 8))

    async def send() -> None:
        async with InferenceGRPCClient(_address(waiting)) as client:
            gone = asyncio.ensure_future(client.infer(_request(five), timeout=HANG_S))
            await asyncio.to_thread(until, lambda: _metric(waiting, "silencio_queue_windows") == 5)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            await asyncio.to_thread(until, lambda: _metric(waiting, "silencio_queue_windows") == 0)
            # An hour before its turn would have come, there is room again, and nothing else to run.
            assert len((await client.infer(_request(eight), timeout=HANG_S)).outputs[0].as_numpy()) == 8

    asyncio.run(send())


@pytest.mark.parametrize("priority", ["interactive", "batch"])
def test_predictor__takes_a_priority_over_both_protocols(
    servers: LocalServers, scorer: Scorer, tensors: Tensors, priority: str
) -> None:
    async def send() -> InferResponse:
        async with InferenceGRPCClient(_grpc_address(servers)) as client:
            return await client.infer(_request(tensors, priority=priority), timeout=HANG_S)

    np.testing.assert_allclose(
        asyncio.run(send()).outputs[0].as_numpy(), scorer.bundle.parity.clips[0].probabilities, rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("priority", ["urgent", "", 1, True])
def test_predictor__another_priority(servers: LocalServers, tensors: Tensors, priority: object) -> None:
    inputs = [
        {"name": n, "shape": list(t.shape), "datatype": DATATYPES[t.dtype.name], "data": t.ravel().tolist()}
        for n, t in tensors.items()
    ]
    url = f"{servers.predictor.url}/v2/models/silencio/infer"
    answer = httpx.post(
        url, json={"inputs": inputs, "parameters": {"priority": priority}}, trust_env=False, timeout=HANG_S
    )
    assert answer.status_code == 400
    assert answer.json()["error"] == f'parameters.priority: "interactive" or "batch" is needed, this is {priority!r}'


def test_predictor__long_requests_change_nobodys_numbers(
    servers: LocalServers, scorer: Scorer, tensors: Tensors
) -> None:
    eight = {name: np.resize(array, (8, *array.shape[1:])) for name, array in tensors.items()}
    one = {name: array[:1] for name, array in tensors.items()}
    expected = scorer.bundle.parity.clips[0].probabilities

    async def send() -> None:
        async with InferenceGRPCClient(_grpc_address(servers)) as client:
            long = [asyncio.ensure_future(client.infer(_request(eight, priority="batch"))) for _ in range(12)]
            for _ in range(8):
                got = (await client.infer(_request(one), timeout=HANG_S)).outputs[0].as_numpy()
                np.testing.assert_allclose(got, expected[:1], atol=1e-5)
            for answer in await asyncio.gather(*long):
                np.testing.assert_allclose(answer.outputs[0].as_numpy(), np.resize(expected, (8, 5)), atol=1e-5)

    asyncio.run(send())
