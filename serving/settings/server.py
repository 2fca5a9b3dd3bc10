"""Settings of both servers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from serving.settings import Flag, Option, Origins, Port, ServingSettings
from serving.settings.defaults import LOOPBACK, MAX_BODY_BYTES, MODEL_NAME
from silencio.settings import File, Text, at_least, whole

# Where KServe's storage initializer puts a model.
MOUNTED_BUNDLE = Path("/mnt/models")
_SERVER = "server"
_LIMITS = "limits: what is beyond them is answered by 413 or 408, or by 503 at once"
_ACCESS = "access: off by default, for this machine, or behind a mesh that does it"
_SDK = "KServe"


class ServerSettings(ServingSettings):
    """Settings of transformer and predictor alike.

    Attributes:
        bundle: The bundle's folder; needed where the default, in which KServe mounts one, is not there.
        bundle_key: PEM of public keys: a bundle that none of them signed is refused (docs/supply_chain.md).
        model_name: Name of the model on the routes.
        host: Address to listen on; a pod needs 0.0.0.0.
        http_port: REST's port.
        grpc_port: gRPC's port.
        enable_grpc: Answer over gRPC too.
        stop_with_parent: Stop when standard input ends, so when the parent is gone.
        max_body_bytes: Largest REST body or gRPC message that is read.
        max_body_bytes_in_flight: Bytes of all bodies that are held at once.
        max_concurrent_requests: Requests that are worked on at once.
        body_read_timeout_s: How long a body may stand still.
        head_read_timeout_s: How long the head of a request may take to come, from the connection on.
        keys: API keys, made by `silencio keys new`; read as it changes.
        allow_origin: Let web pages of https://app.example.org read the answers (CORS), * for all; the flag again for
            another, in the environment with commas between them.
        tls_cert: PEM, certificate with its chain: REST and gRPC speak TLS.
        tls_key: PEM, key of the certificate.
        enable_latency_logging: Two more lines of the log for every request, with its timings.
        log_config_file: YAML or JSON, of Python's logging.
        access_log_format: Format of the access log's lines.
        max_threads: Threads that read and write gRPC.
        max_asyncio_workers: Threads beside the event loop.
        event_loop: `auto`, `asyncio` or `uvloop`.
        timeout_keep_alive: Seconds that a connection without requests is kept; longer than a proxy before it keeps one.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "most_body_bytes": "max_body_bytes",
        "most_body_bytes_in_flight": "max_body_bytes_in_flight",
        "most_requests": "max_concurrent_requests",
        "longest_body_pause_s": "body_read_timeout_s",
    }

    bundle: Annotated[File, Option(_SERVER, "DIR", default=str(MOUNTED_BUNDLE))] = Field(
        default_factory=lambda: MOUNTED_BUNDLE
    )
    bundle_key: Annotated[File | None, Option(_SERVER, "FILE")] = None
    model_name: Annotated[Text, Option(_SERVER, "NAME")] = MODEL_NAME
    host: Annotated[Text, Option(_SERVER, "HOST")] = LOOPBACK
    http_port: Annotated[Port, Option(_SERVER)] = 8080
    grpc_port: Annotated[Port, Option(_SERVER)] = 8081
    enable_grpc: Annotated[Flag, Option(_SERVER, "BOOL")] = True
    stop_with_parent: Annotated[Flag, Option(_SERVER, "")] = False
    max_body_bytes: Annotated[int, whole(1), Option(_LIMITS, "BYTES")] = MAX_BODY_BYTES
    max_body_bytes_in_flight: Annotated[
        Annotated[int, whole(1)] | None, Option(_LIMITS, "BYTES", default="512 MiB, or the largest body")
    ] = None
    max_concurrent_requests: Annotated[int, whole(1), Option(_LIMITS)] = 64
    body_read_timeout_s: Annotated[float, at_least(0), Option(_LIMITS, "SECONDS")] = 30.0
    head_read_timeout_s: Annotated[float, at_least(0), Option(_LIMITS, "SECONDS")] = 30.0
    keys: Annotated[File | None, Option(_ACCESS, "FILE")] = None
    allow_origin: Annotated[Origins, Option(_ACCESS, "ORIGIN")] = ()
    # The SDK has these two by other names, for REST alone.
    tls_cert: Annotated[Text | None, Option(_ACCESS, "FILE", ("--ssl_certfile",), default="KSERVE_TLS_CERT_FILE")] = (
        Field(default_factory=lambda: os.environ.get("KSERVE_TLS_CERT_FILE") or None)
    )
    tls_key: Annotated[Text | None, Option(_ACCESS, "FILE", ("--ssl_keyfile",), default="KSERVE_TLS_KEY_FILE")] = Field(
        default_factory=lambda: os.environ.get("KSERVE_TLS_KEY_FILE") or None
    )
    # A line for every request is the access log's; two more for its timings are for who is looking for them.
    enable_latency_logging: Annotated[Flag, Option(_SDK, "BOOL")] = False
    log_config_file: Annotated[Text | None, Option(_SDK, "FILE")] = None
    access_log_format: Annotated[Text | None, Option(_SDK, "FORMAT")] = None
    max_threads: Annotated[int, whole(1), Option(_SDK)] = 4
    max_asyncio_workers: Annotated[Annotated[int, whole(1)] | None, Option(_SDK, default="the cores and four")] = None
    event_loop: Annotated[Literal["auto", "asyncio", "uvloop"], Option(_SDK, "NAME", ("--event-loop",))] = "auto"
    timeout_keep_alive: Annotated[int, whole(0), Option(_SDK, "SECONDS", ("--timeout-keep-alive",))] = 65
