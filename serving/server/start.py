"""Start one `kserve.ModelServer` for a model with a bundle: what transformer and predictor share."""

from __future__ import annotations

import argparse
import copy
import logging
import os
import signal
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import NoReturn, TypeVar

import kserve
import kserve.model_server
from kserve.logging import configure_logging, logger

from serving.access import Authenticator
from serving.access.tls import tls_of
from serving.server.accounting import Accounting
from serving.server.admission import Limits
from serving.server.entrance import Entrance
from serving.server.kserve_patches import BundleDataPlane, FixedRepository, ModelServer, install
from serving.server.middleware import AddRoutes
from serving.server.protocol import DRAIN_TIMEOUT_S, LOOPBACK_HOSTS
from serving.server.readiness import BundleModel
from serving.settings import add_options, misspelt, settings_of
from serving.settings.server import ServerSettings
from silencio.bundle.signature import PublicKeys
from silencio.errors import ConfigError

_MAX_BODY_BYTES_IN_FLIGHT = 512 << 20
_STANDARD_INPUT = 0
# Of gRPC alone.
_SDK_LIMITS = ("grpc_max_send_message_length", "grpc_max_receive_message_length")
Settings = TypeVar("Settings", bound=ServerSettings)


class _Parser(argparse.ArgumentParser):
    """Ends with a sentence: the usage of a server is sixty lines, in which nobody finds what was wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; {self.prog} --help lists all options\n")


def argument_parser(module: str, description: str, settings: type[ServerSettings]) -> argparse.ArgumentParser:
    """The SDK's own options, with our defaults, and a server's.

    Args:
        module: The server's module, for messages.
        description: What the server does, for `--help`.
        settings: Settings whose flags these are.
    """
    parser = _Parser(
        prog=f"python -m {module}",
        description=description,
        # A copy: those of its options that are settings are replaced.
        parents=[copy.deepcopy(kserve.model_server.parser)],
        conflict_handler="resolve",
        allow_abbrev=False,
    )
    add_options(parser, settings)
    parser.set_defaults(**dict.fromkeys(_SDK_LIMITS))
    return parser


def parsed_settings(
    parser: argparse.ArgumentParser, settings: type[Settings], needed: Mapping[str, str] = MappingProxyType({})
) -> Settings:
    """What command line and environment set; one sentence names all that is missing.

    Args:
        parser: A parser by `argument_parser`.
        settings: The class that `argument_parser` was given.
        needed: What to write for each setting without which there is no serving, by its name.

    Raises:
        SystemExit: Options are wrong or missing.
    """
    options = parser.parse_args()
    if given := [name for name in _SDK_LIMITS if getattr(options, name) is not None]:
        parser.error(f"--{given[0]} is not taken: --max_body_bytes is the limit of REST and gRPC")
    try:
        found = settings_of(settings, options)
    except ConfigError as error:
        parser.error(str(error))
    missing = [text for name, text in needed.items() if not getattr(found, name)]
    if "bundle" not in found.model_fields_set and not found.bundle.exists():
        missing = [f"--bundle DIR, a bundle's folder ({found.bundle}, KServe's own, is not there)", *missing]
    if missing:
        parser.error(f"needed: {' and '.join(missing)}")
    return found


def _entrance(settings: ServerSettings, routes: AddRoutes | None, accounting: Accounting) -> Entrance:
    if settings.keys is None and settings.host not in LOOPBACK_HOSTS:
        logger.warning("listening on %s without --keys: whoever reaches this address may use it", settings.host)
    return Entrance(
        host=settings.host,
        limits=Limits(
            max_body_bytes=settings.max_body_bytes,
            max_body_bytes_in_flight=settings.max_body_bytes_in_flight
            or max(_MAX_BODY_BYTES_IN_FLIGHT, settings.max_body_bytes),
            max_concurrent_requests=settings.max_concurrent_requests,
            body_read_timeout_s=settings.body_read_timeout_s,
            head_read_timeout_s=settings.head_read_timeout_s,
        ),
        authenticator=None if settings.keys is None else Authenticator(settings.keys),
        tls=tls_of(settings.tls_cert, settings.tls_key),
        routes=routes,
        allowed_origins=settings.allow_origin,
        accounting=accounting,
    )


def serve(
    model: BundleModel,
    settings: ServerSettings,
    *,
    routes: AddRoutes | None = None,
    accounting: Accounting | None = None,
) -> None:
    """Serve until a signal comes.

    The server answers at once and loads beside: it is alive, and says why it is not ready, from the first second on;
    a refused bundle keeps it so.

    Args:
        model: The model that answers.
        settings: The settings by `parsed_settings`.
        routes: Adds routes to the REST side, open to everybody for reading. It is called before the SDK adds
            its routes: of two with the same path the first answers.
        accounting: What becomes of a request beside its answer; by default no sessions are counted.

    Raises:
        SystemExit: An option cannot be used; the message says which.
    """
    configure_logging(settings.log_config_file)
    if not settings.enable_latency_logging:
        logging.getLogger("kserve.trace").setLevel(logging.WARNING)
    for text in misspelt(type(settings)):
        logger.warning(text)
    try:
        if settings.bundle_key is not None:
            PublicKeys(settings.bundle_key)  # one that cannot be read is a wrong option, and no bundle that is refused
        install(_entrance(settings, routes, accounting or Accounting()))
    except ConfigError as error:
        raise SystemExit(f"error: {error}") from error
    server = ModelServer(
        http_port=settings.http_port,
        grpc_port=settings.grpc_port,
        # One process, whatever --workers says: more would each load the bundle, without the middleware before them.
        workers=1,
        enable_grpc=settings.enable_grpc,
        enable_latency_logging=settings.enable_latency_logging,
        access_log_format=settings.access_log_format,
        max_threads=settings.max_threads,
        max_asyncio_workers=settings.max_asyncio_workers,
        event_loop=settings.event_loop,
        timeout_keep_alive=settings.timeout_keep_alive,
        grace_period=DRAIN_TIMEOUT_S,
        ssl_certfile=None,  # `Entrance` sees to it
        ssl_keyfile=None,
    )
    server.dataplane = BundleDataPlane(server.registered_models)
    server.model_repository_extension = FixedRepository(server.registered_models)
    model.bundle_key = settings.bundle_key
    model.enable_latency_logging = settings.enable_latency_logging
    server.register_model(model)
    if settings.stop_with_parent:
        threading.Thread(target=_stop_when_input_ends, name="parent", daemon=True).start()
    threading.Thread(target=model.load, name="load", daemon=True).start()
    # The model was registered by hand: given to `start`, one that is not ready yet ends the process.
    server.start([])


def _stop_when_input_ends() -> None:
    # Not by `sys.stdin.buffer`: whoever waits in it holds its lock, and an interpreter that wants to close it aborts.
    while os.read(_STANDARD_INPUT, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
