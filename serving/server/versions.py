"""Versions of a model, by REST and gRPC alike: the bundle's own is served, and no other."""

from __future__ import annotations

from typing import Any, Protocol

from kserve.errors import ModelNotFound
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.rest.v2_datamodels import ModelMetadataResponse, ModelReadyResponse
from kserve.protocol.rest.v2_endpoints import V2Endpoints


class Versions(Protocol):
    """Knows which version of a model there is."""

    def check_version(self, model_name: str, version: str | None) -> None:
        """Raises `VersionNotFound` for another one than is served; none is any."""

    def versions(self, model_name: str) -> list[str]:
        """Those that are served: one, or none while the bundle is not loaded."""


class VersionNotFound(ModelNotFound):  # type: ignore[misc]  # kserve is untyped
    """The model is there, in another version: 404, over gRPC NOT_FOUND.

    Args:
        model_name: As asked for.
        asked: The version that was asked for.
        served: The one that there is.
    """

    def __init__(self, model_name: str, asked: str, served: str) -> None:
        super().__init__(model_name)
        self.reason = f"{model_name} has no version {asked[:100]!r} here: this is version {served!r}"


class VersionedEndpoints(V2Endpoints):  # type: ignore[misc]
    """The SDK's REST side, which answers 501 to every version; `server.inference_routes` has what is left of it."""

    async def model_metadata(self, model_name: str, model_version: str | None = None) -> ModelMetadataResponse:
        self.dataplane.check_version(model_name, model_version)
        return await super().model_metadata(model_name)

    async def model_ready(self, model_name: str, model_version: str | None = None) -> ModelReadyResponse:
        self.dataplane.check_version(model_name, model_version)
        return await super().model_ready(model_name)


class VersionedServicer(InferenceServicer):  # type: ignore[misc]
    """The SDK's gRPC side, which answers as if every version were the one that it has."""

    async def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802  # as the protocol calls it
        self._data_plane.check_version(request.name, request.version)
        return await super().ModelReady(request, context)

    async def ModelMetadata(self, request: Any, context: Any) -> pb.ModelMetadataResponse:  # noqa: N802  # as the protocol calls it
        self._data_plane.check_version(request.name, request.version)
        metadata = await super().ModelMetadata(request, context)
        metadata.versions.extend(self._data_plane.versions(request.name))
        return metadata

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802  # as the protocol calls it
        self._data_plane.check_version(request.model_name, request.model_version)
        return await super().ModelInfer(request, context)
