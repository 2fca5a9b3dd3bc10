"""Where the servers listen, and what stands before them.

KServe's SDK listens on every address (0.0.0.0 and [::], written into its code), which on a laptop offers the model
to the whole network. `listen_on` replaces the two server classes that `kserve.ModelServer` builds; everything else of
the SDK is as it comes.
"""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
import kserve.model_server
import kserve.protocol.rest.v2_endpoints
from grpc import aio
from kserve.logging import logger
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc
from kserve.protocol.grpc.server import GRPCServer
from kserve.protocol.rest.server import RESTServer

from serving.access import Access
from serving.access.tls import Renewal, Tls
from serving.server.admission import Limits, Load
from serving.server.compression import Compression
from serving.server.cors import allow_origins
from serving.server.grpc_interceptor import GrpcBoundary
from serving.server.grpc_messages import MAX_CALLS_BEING_READ
from serving.server.http_protocol import HttpProtocol
from serving.server.inference_routes import add_inference_routes
from serving.server.middleware import AddRoutes, guard
from serving.server.protocol import LARGE_MESSAGES
from serving.server.versions import VersionedEndpoints, VersionedServicer

_LOOK_FOR_CERTIFICATE_S = 2.0
_RPCS_A_REQUEST = 4


@dataclass(frozen=True)
class Entrance:
    """How this process is reached.

    Attributes:
        host: An address of this machine; a pod needs 0.0.0.0.
        limits: How much at once.
        access: The keys; None lets everybody in.
        tls: None speaks plain text.
        routes: Adds routes of its own to the REST side, before the SDK's: of two with the same path the first answers.
        allowed_origins: Of web pages that may read the REST side's answers, by `serving.server.origins.check_origin`.
    """

    host: str
    limits: Limits
    access: Access | None = None
    tls: Tls | None = None
    routes: AddRoutes | None = None
    allowed_origins: tuple[str, ...] = ()


def listen_on(entrance: Entrance) -> None:
    """Make every `kserve.ModelServer` of this process listen there, behind the boundaries of REST and gRPC."""
    load = Load(entrance.limits)
    kserve.model_server.RESTServer = functools.partial(_RestServer, entrance, load)
    kserve.model_server.GRPCServer = functools.partial(_GrpcServer, entrance, load)
    kserve.protocol.rest.v2_endpoints.V2Endpoints = VersionedEndpoints


class _RestServer(RESTServer):  # type: ignore[misc]  # kserve is untyped
    def __init__(self, entrance: Entrance, load: Load, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._entrance, self._load = entrance, load
        self.config.host = entrance.host
        self.config.http = functools.partial(HttpProtocol, head_read_timeout_s=entrance.limits.head_read_timeout_s)
        if entrance.tls is not None:
            # Not by the SDK's own argument, which moves port 8080 to 8443.
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
        guard(app, self._load, self._entrance.access, pages)
        app.add_middleware(Compression, **Compression.options())
        allow_origins(app, self._entrance.allowed_origins)


class _GrpcServer(GRPCServer):  # type: ignore[misc]  # kserve is untyped
    def __init__(self, entrance: Entrance, load: Load, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._entrance, self._load = entrance, load
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
        limits = self._entrance.limits
        self._server = aio.server(
            ThreadPoolExecutor(max_workers=max_workers),
            interceptors=(GrpcBoundary(self._load, self._entrance.access),),
            options=grpc_options(limits),
            # The last bound, on calls that were not even looked at; `Load` has its own on requests that are worked on.
            maximum_concurrent_rpcs=_RPCS_A_REQUEST * limits.most_requests + MAX_CALLS_BEING_READ,
        )
        servicer = VersionedServicer(self._data_plane, self._model_repository_extension)
        grpc_predict_v2_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, self._server)
        host = f"[{self._entrance.host}]" if ":" in self._entrance.host else self._entrance.host
        address = f"{host}:{self._port}"
        if self._entrance.tls is None:
            self._server.add_insecure_port(address)
        else:
            self._server.add_secure_port(address, _credentials(self._entrance.tls))
        logger.info("gRPC listens on %s", address)
        await self._server.start()


def grpc_options(limits: Limits) -> list[tuple[str, int | str]]:
    """Of a server's channel."""
    return [
        ("grpc.max_receive_message_length", limits.most_body_bytes),
        ("grpc.max_send_message_length", -1),  # as large as what was asked for; REST knows no bound either
        # Without it gRPC takes megabytes of a message that nobody reads; with it 64 KiB, the protocol's window.
        ("grpc.http2.bdp_probe", 0),
        # gRPC shares a port by default: a second predictor would silently get half of the requests.
        ("grpc.so_reuseport", 0),
        LARGE_MESSAGES,
    ]


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    """Looked at for every new connection, so that a renewed certificate is used without a restart."""
    renewal = Renewal(tls)

    def read() -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([(tls.key.read_bytes(), tls.certificate.read_bytes())])

    return grpc.dynamic_ssl_server_credentials(read(), lambda: read() if renewal.came() else None)
