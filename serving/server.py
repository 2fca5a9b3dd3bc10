"""Start one `kserve.ModelServer` for a model with a bundle: what transformer and predictor share."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import kserve
import kserve.model_server
from kserve.logging import configure_logging

from serving.agreement import LOOPBACK, MODEL_NAME
from serving.loopback import listen_on
from serving.readiness import BundleDataPlane, BundleModel, FixedRepository

# 600 s of stereo 16-bit audio at 48 kHz are 115 MB, in base64 154 MB.
_MOST_BODY_BYTES = 160 << 20
# Where KServe's storage initializer puts a model.
_MOUNTED_BUNDLE = Path("/mnt/models")


def argument_parser(module: str, description: str) -> argparse.ArgumentParser:
    """The SDK's own options, with our defaults, and a few more."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        parents=[kserve.model_server.parser],
        allow_abbrev=False,
    )
    parser.add_argument("--bundle", type=Path, default=_MOUNTED_BUNDLE, metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--host",
        default=os.environ.get("SILENCIO_HOST", LOOPBACK),
        help="address to listen on; a pod needs 0.0.0.0 (default: SILENCIO_HOST, else %(default)s)",
    )
    parser.add_argument("--most_body_bytes", type=int, default=_MOST_BODY_BYTES, help="largest REST body that is read")
    parser.add_argument(
        "--stop_with_parent", action="store_true", help="stop when standard input ends, so when the parent is gone"
    )
    # A line for every request is the access log's; two more for its timings are for who is looking for them.
    parser.set_defaults(model_name=MODEL_NAME, enable_latency_logging=False)
    return parser


def serve(model: BundleModel, options: argparse.Namespace) -> None:
    """Serve until a signal comes.

    The server answers at once and loads beside: it is alive, and says why it is not ready, from the first second on;
    a refused bundle keeps it so.
    """
    configure_logging(options.log_config_file)
    if not options.enable_latency_logging:
        logging.getLogger("kserve.trace").setLevel(logging.WARNING)
    listen_on(options.host, options.most_body_bytes)
    server = kserve.ModelServer(
        http_port=options.http_port,
        grpc_port=options.grpc_port,
        # One process, whatever --workers says: more would each load the bundle, without the boundary before them.
        workers=1,
        enable_grpc=options.enable_grpc,
        enable_latency_logging=options.enable_latency_logging,
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
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
