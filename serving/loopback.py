"""Where the servers listen.

KServe's SDK listens on every address (0.0.0.0 and [::], written into its code), which on a laptop offers the model
to the whole network. `listen_on` replaces the two server classes that `kserve.ModelServer` builds; everything else of
the SDK is as it comes.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import kserve.model_server
from grpc import aio
from kserve.logging import logger
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc
from kserve.protocol.grpc.interceptors import ExceptionToStatusInterceptor
from kserve.protocol.grpc.server import GRPCServer
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.rest.server import RESTServer

from serving.boundary import guard


def listen_on(host: str, most_body_bytes: int) -> None:
    """Make every `kserve.ModelServer` of this process listen on `host`, its REST side behind `serving.boundary`.

    Args:
        host: An address of this machine; a pod needs 0.0.0.0.
        most_body_bytes: Largest request body that the REST server takes.
    """
    kserve.model_server.RESTServer = functools.partial(_RestServer, host, most_body_bytes)
    kserve.model_server.GRPCServer = functools.partial(_GrpcServer, host)


class _RestServer(RESTServer):  # type: ignore[misc]  # kserve is untyped
    def __init__(self, host: str, most_body_bytes: int, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.config.host = host
        self._most_body_bytes = most_body_bytes

    def create_application(self) -> None:
        super().create_application()
        guard(kserve.model_server.app, self._most_body_bytes)


class _GrpcServer(GRPCServer):  # type: ignore[misc]  # kserve is untyped
    def __init__(self, host: str, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._host = host

    async def start(self, max_workers: int) -> None:
        """The SDK's own `start`, with another address and a port that is refused where it is already taken."""
        limits = ("grpc_max_send_message_length", "grpc_max_receive_message_length")
        self._server = aio.server(
            ThreadPoolExecutor(max_workers=max_workers),
            interceptors=(ExceptionToStatusInterceptor(),),
            options=[(name.replace("grpc_", "grpc.", 1), self._kwargs.get(name)) for name in limits]
            # gRPC shares a port by default: a second predictor would silently get half of the requests.
            + [("grpc.so_reuseport", 0)],
        )
        servicer = InferenceServicer(self._data_plane, self._model_repository_extension)
        grpc_predict_v2_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, self._server)
        host = f"[{self._host}]" if ":" in self._host else self._host
        address = f"{host}:{self._port}"
        self._server.add_insecure_port(address)
        logger.info("gRPC listens on %s", address)
        await self._server.start()
        await self._server.wait_for_termination()
