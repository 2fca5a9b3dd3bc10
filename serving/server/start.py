"""Start one `kserve.ModelServer` for a model with a bundle: what transformer and predictor share."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

import kserve
import kserve.model_server
from kserve.logging import configure_logging, logger

from serving.access import Authenticator
from serving.access.tls import tls_of
from serving.server.admission import Limits
from serving.server.entrance import Entrance
from serving.server.kserve_patches import BundleDataPlane, FixedRepository, ModelServer, install
from serving.server.middleware import AddRoutes
from serving.server.origins import check_origin
from serving.server.protocol import DRAIN_TIMEOUT_S, LOOPBACK, LOOPBACK_HOSTS, MAX_BODY_BYTES, MODEL_NAME
from serving.server.readiness import BundleModel
from serving.server.renamed_options import add_renamed_options
from silencio.errors import ConfigError
from silencio.interpreter import silencio

_MAX_BODY_BYTES_IN_FLIGHT = 512 << 20
_MAX_CONCURRENT_REQUESTS = 64
_BODY_READ_TIMEOUT_S = 30.0
_HEAD_READ_TIMEOUT_S = 30.0
_STANDARD_INPUT = 0
# Of gRPC alone.
_SDK_LIMITS = ("grpc_max_send_message_length", "grpc_max_receive_message_length")
# Where KServe's storage initializer puts a model.
_MOUNTED_BUNDLE = Path("/mnt/models")


class _Parser(argparse.ArgumentParser):
    """Ends with a sentence: the usage of a server is sixty lines, in which nobody finds what was wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; {self.prog} --help lists all options\n")


def argument_parser(module: str, description: str) -> argparse.ArgumentParser:
    """The SDK's own options, with our defaults, and a few more."""
    parser = _Parser(
        prog=f"python -m {module}",
        description=description,
        parents=[kserve.model_server.parser],
        allow_abbrev=False,
    )
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="DIR",
        help=f"needed where {_MOUNTED_BUNDLE}, in which KServe mounts a bundle, is not there",
    )
    parser.add_argument(
        "--host",
        default=os.environ.get("SILENCIO_HOST", LOOPBACK),
        help="address to listen on; a pod needs 0.0.0.0 (default: SILENCIO_HOST, else %(default)s)",
    )
    _add_limits(parser)
    _add_access(parser)
    parser.add_argument(
        "--stop_with_parent", action="store_true", help="stop when standard input ends, so when the parent is gone"
    )
    # A line for every request is the access log's; two more for its timings are for who is looking for them.
    parser.set_defaults(model_name=MODEL_NAME, enable_latency_logging=False, **dict.fromkeys(_SDK_LIMITS))
    return parser


def parsed_options(
    parser: argparse.ArgumentParser, needed: Mapping[str, str] = MappingProxyType({})
) -> argparse.Namespace:
    """The options of the command line; one sentence names all that are missing.

    Args:
        parser: A parser by `argument_parser`.
        needed: By the name of each option that is required, what to write for it.

    Raises:
        SystemExit: Options are wrong or missing.
    """
    options = parser.parse_args()
    missing = [text for name, text in needed.items() if not getattr(options, name)]
    if options.bundle is None and not _MOUNTED_BUNDLE.exists():
        missing = [f"--bundle DIR, a bundle's folder ({_MOUNTED_BUNDLE}, KServe's own, is not there)", *missing]
    if missing:
        parser.error(f"needed: {' and '.join(missing)}")
    options.bundle = options.bundle or _MOUNTED_BUNDLE
    return options


def _add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("limits", "what is beyond them is answered by 413 or 408, or by 503 at once")
    group.add_argument(
        "--max_body_bytes",
        type=int,
        default=MAX_BODY_BYTES,
        help="largest REST body or gRPC message that is read (%(default)s)",
    )
    group.add_argument(
        "--max_body_bytes_in_flight",
        type=int,
        help=f"bytes of all bodies that are held at once ({_MAX_BODY_BYTES_IN_FLIGHT}, or the largest body)",
    )
    group.add_argument(
        "--max_concurrent_requests",
        type=int,
        default=_MAX_CONCURRENT_REQUESTS,
        help="requests that are worked on at once (%(default)s)",
    )
    group.add_argument(
        "--body_read_timeout_s",
        type=float,
        default=_BODY_READ_TIMEOUT_S,
        help="how long a body may stand still (%(default)g)",
    )
    group.add_argument(
        "--head_read_timeout_s",
        type=float,
        default=_HEAD_READ_TIMEOUT_S,
        help="how long the head of a request may take to come, from the connection on (%(default)g)",
    )

    add_renamed_options(
        parser,
        {
            "--most_body_bytes": "--max_body_bytes",
            "--most_body_bytes_in_flight": "--max_body_bytes_in_flight",
            "--most_requests": "--max_concurrent_requests",
            "--longest_body_pause_s": "--body_read_timeout_s",
        },
    )


def _add_access(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("access", "off by default: for this machine, or behind a mesh that does it")
    group.add_argument(
        "--keys",
        type=Path,
        metavar="FILE",
        # argparse reads a % in it as its own.
        help=f"API keys, made by `{silencio().replace('%', '%%')} keys new`; read as it changes",
    )
    group.add_argument(
        "--allow_origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let web pages of https://app.example.org read the answers (CORS); again for another, * for all",
    )
    # The SDK has these two by other names, for REST alone.
    for name, target, what in (
        ("--tls_cert", "ssl_certfile", "certificate with its chain"),
        ("--tls_key", "ssl_keyfile", "key of the certificate"),
    ):
        group.add_argument(
            name, dest=target, default=argparse.SUPPRESS, metavar="FILE", help=f"PEM, {what}; REST and gRPC speak TLS"
        )


def _entrance(options: argparse.Namespace, routes: AddRoutes | None) -> Entrance:
    if given := [name for name in _SDK_LIMITS if getattr(options, name) is not None]:
        raise ConfigError(f"--{given[0]} is not taken: --max_body_bytes is the limit of REST and gRPC")
    if options.keys is None and options.host not in LOOPBACK_HOSTS:
        logger.warning("listening on %s without --keys: whoever reaches this address may ask", options.host)
    return Entrance(
        host=options.host,
        limits=Limits(
            max_body_bytes=options.max_body_bytes,
            max_body_bytes_in_flight=options.max_body_bytes_in_flight
            or max(_MAX_BODY_BYTES_IN_FLIGHT, options.max_body_bytes),
            max_concurrent_requests=options.max_concurrent_requests,
            body_read_timeout_s=options.body_read_timeout_s,
            head_read_timeout_s=options.head_read_timeout_s,
        ),
        authenticator=None if options.keys is None else Authenticator(options.keys),
        tls=tls_of(options.ssl_certfile, options.ssl_keyfile),
        routes=routes,
        allowed_origins=tuple(check_origin(one) for one in options.allow_origin),
    )


def serve(model: BundleModel, options: argparse.Namespace, *, routes: AddRoutes | None = None) -> None:
    """Serve until a signal comes.

    The server answers at once and loads beside: it is alive, and says why it is not ready, from the first second on;
    a refused bundle keeps it so.

    Args:
        model: The model that answers.
        options: Parsed options of `argument_parser`.
        routes: Adds routes to the REST side, open to everybody for reading. It is called before the SDK adds
            its routes: of two with the same path the first answers.

    Raises:
        SystemExit: An option cannot be used; the message says which.
    """
    configure_logging(options.log_config_file)
    if not options.enable_latency_logging:
        logging.getLogger("kserve.trace").setLevel(logging.WARNING)
    try:
        install(_entrance(options, routes))
    except ConfigError as error:
        raise SystemExit(f"error: {error}") from error
    server = ModelServer(
        http_port=options.http_port,
        grpc_port=options.grpc_port,
        # One process, whatever --workers says: more would each load the bundle, without the middleware before them.
        workers=1,
        enable_grpc=options.enable_grpc,
        enable_latency_logging=options.enable_latency_logging,
        grace_period=DRAIN_TIMEOUT_S,
        ssl_certfile=None,  # `Entrance` sees to it
        ssl_keyfile=None,
    )
    server.dataplane = BundleDataPlane(server.registered_models)
    server.model_repository_extension = FixedRepository(server.registered_models)
    model.enable_latency_logging = options.enable_latency_logging
    server.register_model(model)
    if options.stop_with_parent:
        threading.Thread(target=_stop_when_input_ends, name="parent", daemon=True).start()
    threading.Thread(target=model.load, name="load", daemon=True).start()
    # The model was registered by hand: given to `start`, one that is not ready yet ends the process.
    server.start([])


def _stop_when_input_ends() -> None:
    # Not by `sys.stdin.buffer`: whoever waits in it holds its lock, and an interpreter that wants to close it aborts.
    while os.read(_STANDARD_INPUT, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
