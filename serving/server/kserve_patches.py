"""What is replaced of KServe's SDK (0.21), in one place, each with the issue upstream.

`install` makes every `kserve.ModelServer` of this process listen at an `Entrance`, behind the middleware and the gRPC
interceptor; `ModelServer` is to be given a `BundleDataPlane` and a `FixedRepository`. Beside this file, the SDK's
error handlers (`error_handlers`), its two predict routes (`inference_routes`), its reader of binary tensors
(`v2_binary`) and its gRPC interceptors (`grpc_interceptor`) are replaced by ours.
"""

from __future__ import annotations

import asyncio
import functools
import signal
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import kserve
import kserve.model_server
import kserve.protocol.rest.v2_endpoints
from grpc import aio
from kserve import InferRequest, InferResponse
from kserve.constants.constants import PredictorProtocol
from kserve.errors import InvalidInput, ModelNotFound
from kserve.logging import logger
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc
from kserve.protocol.grpc.server import GRPCServer
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import RESTServer
from kserve.protocol.rest.v2_datamodels import ModelMetadataResponse, ModelReadyResponse
from kserve.protocol.rest.v2_endpoints import V2Endpoints

from serving.access.tls import Renewal, Tls
from serving.server.admission import AdmissionController
from serving.server.compression import Compression
from serving.server.cors import allow_origins
from serving.server.entrance import Entrance
from serving.server.errors import NotReady, VersionNotFound
from serving.server.grpc_interceptor import GrpcInterceptor
from serving.server.grpc_messages import MAX_CALLS_BEING_READ
from serving.server.grpc_options import grpc_options, server_credentials
from serving.server.http_protocol import HttpProtocol
from serving.server.inference_routes import add_inference_routes
from serving.server.media_types import is_json, is_text, is_unspecific, media_type
from serving.server.middleware import guard
from serving.server.v2_binary import read_binary_request

_LOOK_FOR_CERTIFICATE_S = 2.0
_RPCS_A_REQUEST = 4
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
_LOOK_FOR_STOP_S = 0.1
_V2_IS_NEEDED = (
    "V2 takes JSON as application/json, and JSON with tensors behind it as application/octet-stream with the header "
    "Inference-Header-Content-Length; a recording's own bytes are for the V1 route, /v1/models/…:predict"
)


def install(entrance: Entrance) -> None:
    """Make every `kserve.ModelServer` of this process listen there, behind the middleware and the gRPC interceptor."""
    admission = AdmissionController(entrance.limits)
    kserve.model_server.RESTServer = functools.partial(_RestServer, entrance, admission)
    kserve.model_server.GRPCServer = functools.partial(_GrpcServer, entrance, admission)
    kserve.protocol.rest.v2_endpoints.V2Endpoints = VersionedEndpoints


class BundleDataPlane(DataPlane):  # type: ignore[misc]  # kserve is untyped
    """Readiness that is true and gives its reason, and bodies that are read as what they are.

    The SDK's own data plane is ready without looking at its models (kserve#3262); it forgets the
    transformer's own state when it looks at the predictor's, whose absence it answers by 500 (kserve#1416 and #4262);
    it tries to load a model that is not ready in the midst of a request (no issue found). It takes every V1 body
    without a Content-Type for JSON (kserve#2524 made other bodies possible), and V2 JSON by another type for an error.
    It answers V2 with nulls, which the protocol does not have (kserve#3094 is a client that fails on one).
    """

    def get_model_from_registry(self, name: str) -> Any:
        """Find a model by its name or pinned name; while no bundle is loaded, any pinned name may still be right."""
        model = self.model_registry.get_model(name.partition("@")[0])
        if model is None or ("@" in name and model.pinned_name not in ("", name)):
            raise ModelNotFound(name)
        return model

    def check_version(self, model_name: str, version: str | None) -> None:
        """Raises `VersionNotFound` for another version than is served; while no bundle is loaded, any may be."""
        served = self.get_model_from_registry(model_name).version
        if version and served and version != served:
            raise VersionNotFound(model_name, version, served)

    def versions(self, model_name: str) -> list[str]:
        """The versions that are served: one, or none while the bundle is not loaded."""
        served = self.get_model_from_registry(model_name).version
        return [served] if served else []

    async def ready(self) -> bool:
        for name in self.model_registry.get_models():
            await self.model_ready(name)
        return True

    async def model_ready(self, model_name: str, disable_predictor_health_check: bool = False) -> bool:
        model = self.get_model_from_registry(model_name)
        reason = model.reason
        if not reason and not disable_predictor_health_check:
            reason = await model.upstream_reason()
        if reason:
            raise NotReady(model_name, reason)
        return True

    async def get_model(self, name: str) -> Any:
        await self.model_ready(name, disable_predictor_health_check=True)
        return self.get_model_from_registry(name)

    def decode(
        self,
        body: Any,
        headers: Any,
        protocol_version: str = PredictorProtocol.REST_V1.value,
        model_name: str | None = None,
    ) -> Any:
        """The SDK's own, which takes every V1 body without a Content-Type for JSON: most are recordings."""
        is_v1 = protocol_version == PredictorProtocol.REST_V1.value
        is_unnamed = is_v1 and isinstance(body, bytes) and is_unspecific(headers.get("content-type", ""))
        # A CloudEvent's type stands in a header of its own.
        if is_unnamed and not is_json(body) and "ce-specversion" not in headers:
            return body, {}
        try:
            return super().decode(body, headers, protocol_version, model_name)
        except InvalidInput as error:
            is_binary = is_v1 and isinstance(body, bytes) and not is_text(body)
            hint = "; a recording's own bytes are sent as audio/ogg, audio/wav, audio/flac or audio/mpeg"
            raise InvalidInput(f"body: {error}{hint if is_binary else ''}") from error
        except Exception as error:  # only the client's own bytes are read here: whatever is wrong is wrong with them
            raise InvalidInput(f"body: cannot be read with the headers that came with it ({error})") from error

    def decode_inference_request(self, body: Any, headers: Any, model_name: str) -> InferRequest:
        length = headers.get("inference-header-content-length")
        if not isinstance(body, bytes):
            return super().decode_inference_request(body, headers, model_name)
        # Tritonclient names no type, curl a form, browsers text/plain: here JSON alone can be meant.
        if length is None and (is_json(body) or media_type(headers.get("content-type", "")) == "application/json"):
            length = str(len(body))
        if length is None:
            raise InvalidInput(_V2_IS_NEEDED)
        return read_binary_request(body, length, model_name)

    def encode(
        self, model_name: str, response: Any, headers: Any, req_attributes: dict[str, Any]
    ) -> tuple[Any, dict[str, str]]:
        """The SDK's own, without its nulls: V2 leaves out what there is none of."""
        content, own = super().encode(model_name, response, headers, req_attributes)
        if isinstance(response, InferResponse) and isinstance(content, dict):
            content = {name: value for name, value in content.items() if value is not None}
        return content, own

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        await self.model_ready(model_name, disable_predictor_health_check=True)
        platform = getattr(self.get_model_from_registry(model_name), "platform", "")
        metadata = await super().model_metadata(model_name)
        return {**metadata, "platform": platform, "versions": self.versions(model_name)}


class FixedRepository(ModelRepositoryExtension):  # type: ignore[misc]  # kserve is untyped
    """Refuses to load and unload by request.

    The SDK's own lets anybody who can predict take the model away (since kserve#1043; no issue about that found).
    """

    async def load(self, model_name: str) -> None:
        raise InvalidInput(f"{model_name}: this server serves the bundle it was started with")

    async def unload(self, model_name: str) -> None:
        raise InvalidInput(f"{model_name}: this server serves the bundle it was started with")


class VersionedEndpoints(V2Endpoints):  # type: ignore[misc]
    """The SDK's REST side, which answers 501 to every version (kserve#4655, #2358); `inference_routes` has the rest."""

    async def model_metadata(self, model_name: str, model_version: str | None = None) -> ModelMetadataResponse:
        self.dataplane.check_version(model_name, model_version)
        return await super().model_metadata(model_name)

    async def model_ready(self, model_name: str, model_version: str | None = None) -> ModelReadyResponse:
        self.dataplane.check_version(model_name, model_version)
        return await super().model_ready(model_name)


class VersionedServicer(InferenceServicer):  # type: ignore[misc]
    """The SDK's gRPC side, which answers as if every version were the one that it has (kserve#2358)."""

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


class _RestServer(RESTServer):  # type: ignore[misc]  # kserve is untyped
    """The REST side at an address that is chosen, with our protocol, middleware and routes.

    The SDK's own listens on 0.0.0.0, written into its code, which on a laptop offers the model to the whole network
    (kserve#4558, closed as stale). With a certificate it moves port 8080 to 8443 (kserve#6045).
    """

    def __init__(self, entrance: Entrance, admission: AdmissionController, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._entrance, self._admission = entrance, admission
        self.config.host = entrance.host
        self.config.http = functools.partial(HttpProtocol, head_read_timeout_s=entrance.limits.head_read_timeout_s)
        if entrance.tls is not None:
            # Not by the SDK's own argument, which moves the port.
            self.config.ssl_certfile = str(entrance.tls.certificate)
            self.config.ssl_keyfile = str(entrance.tls.key)

    async def start(self) -> None:
        renewing = None if self._entrance.tls is None else asyncio.create_task(self._renew(self._entrance.tls))
        try:
            await super().start()
        finally:
            if renewing is not None:
                renewing.cancel()

    async def _renew(self, tls: Tls) -> None:
        renewal = Renewal(tls)
        while True:
            await asyncio.sleep(_LOOK_FOR_CERTIFICATE_S)
            if renewal.came():
                try:
                    self.config.ssl.load_cert_chain(tls.certificate, tls.key)
                except OSError as error:  # it was replaced once more this moment: the next look finds it
                    logger.error("the old TLS certificate stays in use: %s", error)

    def create_application(self) -> None:
        app = kserve.model_server.app
        if self._entrance.routes is not None:
            self._entrance.routes(app)
        pages = list(app.routes)
        add_inference_routes(app, self.dataplane)
        super().create_application()
        guard(app, self._admission, self._entrance.authenticator, pages, self._entrance.accounting)
        app.add_middleware(Compression, **Compression.options())
        allow_origins(app, self._entrance.allowed_origins)


class _GrpcServer(GRPCServer):  # type: ignore[misc]  # kserve is untyped
    """The gRPC side at an address that is chosen, with our interceptor, limits and TLS.

    The SDK's own listens on [::] (kserve#4558), speaks no TLS (kserve#3605, closed unmerged), shares its port with
    whoever takes it too, and crashes where it is stopped in the midst of its start (no issues found).
    """

    def __init__(self, entrance: Entrance, admission: AdmissionController, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._entrance, self._admission = entrance, admission
        self._begun = asyncio.Event()

    async def start(self, max_workers: int) -> None:
        """The SDK's own `start`, with another address and a port that is refused where it is already taken."""
        try:
            await self._begin(max_workers)
        finally:
            self._begun.set()
        await self._server.wait_for_termination()

    async def stop(self, sig: int | None = None) -> None:
        """The SDK's own; gRPC crashes where it is stopped in the midst of its start."""
        await self._begun.wait()
        await super().stop(sig)

    async def _begin(self, max_workers: int) -> None:
        limits, entrance = self._entrance.limits, self._entrance
        self._server = aio.server(
            ThreadPoolExecutor(max_workers=max_workers),
            interceptors=(GrpcInterceptor(self._admission, entrance.authenticator, entrance.accounting),),
            options=grpc_options(limits),
            # The last bound, on calls that were not even looked at: `AdmissionController` bounds requests.
            maximum_concurrent_rpcs=_RPCS_A_REQUEST * limits.max_concurrent_requests + MAX_CALLS_BEING_READ,
        )
        servicer = VersionedServicer(self._data_plane, self._model_repository_extension)
        grpc_predict_v2_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, self._server)
        host = f"[{self._entrance.host}]" if ":" in self._entrance.host else self._entrance.host
        address = f"{host}:{self._port}"
        if self._entrance.tls is None:
            self._server.add_insecure_port(address)
        else:
            self._server.add_secure_port(address, server_credentials(self._entrance.tls))
        logger.info("gRPC listens on %s", address)
        await self._server.start()


class ModelServer(kserve.ModelServer):  # type: ignore[misc]  # kserve is untyped
    """Serves until a signal comes or one of its servers ends; the end is in order whenever the signal comes.

    The SDK's own crashes where it is stopped while gRPC starts, and where no event loop runs yet; a signal that comes
    before uvicorn listens for it stops gRPC alone (kserve#4115 mended the REST side's end; kserve#6195 is open).

    Both sides then take nothing more and answer what they have at the same time: a process is not given twice as long.
    """

    def register_signal_handler(self) -> None:
        """The handlers until uvicorn sets its own, which do the same, and after it took them back."""
        for one in _SIGNALS:
            signal.signal(one, self._end)

    def _end(self, number: int, frame: FrameType | None) -> None:
        # uvicorn's own word for it: read when it has started, and then every 100 ms.
        self._rest_server._server.should_exit = True

    async def _serve(self) -> None:
        servers = [asyncio.ensure_future(one) for one in self.servers]
        stop_requested = asyncio.ensure_future(self._until_stop_requested())
        await asyncio.wait([stop_requested, *servers], return_when=asyncio.FIRST_COMPLETED)
        stop_requested.cancel()
        logger.info("stopping")
        self._rest_server._server.should_exit = True
        if self._grpc_server is not None:
            await self._grpc_server.stop()
        try:
            await asyncio.gather(*servers)
        finally:
            for name in list(self.registered_models.get_models()):
                self.registered_models.unload(name)

    async def _until_stop_requested(self) -> None:
        # Nobody can wait for uvicorn's word: it looks as often itself.
        while not self._rest_server._server.should_exit:
            await asyncio.sleep(_LOOK_FOR_STOP_S)
