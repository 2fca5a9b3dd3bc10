"""Versions of a model: what REST and gRPC say of the bundle's own, and of another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
import httpx
import numpy as np
import pytest
from grpc import StatusCode
from kserve import InferInput, InferRequest
from kserve.errors import ModelNotFound
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest, ModelMetadataRequest, ModelReadyRequest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from serving.local import LocalServers
from serving.server.kserve_patches import BundleDataPlane
from serving.server.readiness import BundleModel
from silencio.bundle import Scorer
from tests.waiting import HANG_S

MODEL = "/v2/models/silencio"


@pytest.fixture
def stub(servers: LocalServers) -> Iterator[GRPCInferenceServiceStub]:
    with grpc.insecure_channel(servers.grpc_address) as channel:
        yield GRPCInferenceServiceStub(channel)


@pytest.fixture
def request_of_silence(recording: Callable[..., bytes]) -> ModelInferRequest:
    tensor = InferInput("audio", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([recording()], np.object_), binary_data=True)
    return InferRequest("silencio", [tensor]).to_grpc()


def test_version__the_bundles_own_is_what_answers(
    http: httpx.Client, stub: GRPCInferenceServiceStub, scorer: Scorer, request_of_silence: ModelInferRequest
) -> None:
    version = scorer.bundle.manifest.version
    own = f"{MODEL}/versions/{version}"
    assert http.get(f"{own}/ready").json() == {"name": "silencio", "ready": True}
    assert http.get(own).json() == http.get(MODEL).json()
    assert http.get(own).json()["versions"] == [version]
    assert http.post(f"{own}/infer", json={"inputs": []}).json()["error"].startswith("inputs: one input is needed")

    assert stub.ModelReady(ModelReadyRequest(name="silencio", version=version), timeout=HANG_S).ready
    metadata = stub.ModelMetadata(ModelMetadataRequest(name="silencio", version=version), timeout=HANG_S)
    assert list(metadata.versions) == [version]
    for sent in ("", version):
        request_of_silence.model_version = sent
        assert stub.ModelInfer(request_of_silence, timeout=HANG_S).model_version == version


def test_version__another_one_is_not_there_over_rest_and_grpc(
    http: httpx.Client, stub: GRPCInferenceServiceStub, scorer: Scorer, request_of_silence: ModelInferRequest
) -> None:
    sentence = f"silencio has no version '7' here: this is version {scorer.bundle.manifest.version!r}"
    for method, route in (("GET", ""), ("GET", "/ready"), ("POST", "/infer")):
        answer = http.request(method, f"{MODEL}/versions/7{route}", json={"inputs": []} if route == "/infer" else None)
        assert (answer.status_code, answer.json()) == (404, {"error": sentence})
    request_of_silence.model_version = "7"
    for call, request in (
        (stub.ModelMetadata, ModelMetadataRequest(name="silencio", version="7")),
        (stub.ModelReady, ModelReadyRequest(name="silencio", version="7")),
        (stub.ModelInfer, request_of_silence),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call(request, timeout=HANG_S)
        assert (caught.value.code(), caught.value.details()) == (StatusCode.NOT_FOUND, sentence)


def test_version__of_a_bundle_that_is_not_loaded_yet_may_still_come() -> None:
    class Loading(BundleModel):
        pass

    plane = BundleDataPlane(registry := _Registry())
    registry.model = Loading("silencio", None)  # type: ignore[arg-type]  # it is never loaded
    plane.check_version("silencio", "7")
    assert plane.versions("silencio") == []
    registry.model.version = "8"
    with pytest.raises(ModelNotFound, match="no version '7' here: this is version '8'"):
        plane.check_version("silencio", "7")
    plane.check_version("silencio", "")
    plane.check_version("silencio", None)


class _Registry:
    """KServe's, with one model."""

    model: BundleModel

    def get_model(self, name: str) -> BundleModel:
        return self.model
