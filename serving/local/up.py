"""`silencio serve`: a bundle behind an address, on this machine."""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from rich.text import Text

from serving.access.certificate import names_of, refusal_at
from serving.access.keys import read_keys
from serving.access.tls import Tls
from serving.local import LocalServers, local_servers
from serving.local.example_requests import example_requests
from serving.server.origins import check_origin
from serving.server.protocol import LOOPBACK, LOOPBACK_HOSTS, MAX_BODY_BYTES
from silencio.bundle.manifest import BundleManifest, read_manifest
from silencio.console import Console
from silencio.errors import ConfigError, ServingError
from silencio.extras import require

_CHECK_S = 0.5


def configure(parser: argparse.ArgumentParser) -> None:
    """Serve a bundle on this machine: start both servers and wait."""
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the bundle to serve")
    parser.add_argument("--port", type=_port, default=8080, help="default: %(default)s; 0 takes a free one")
    parser.add_argument("--host", default=LOOPBACK, help="default: %(default)s, this machine alone; 0.0.0.0: everybody")
    parser.add_argument("--grpc-port", type=_port, default=0, help="default: a free one, which is printed")
    parser.add_argument("--site-list", type=Path, metavar="CSV", help="species by place and season (docs/predict.md)")
    parser.add_argument("--birdnet-range", action="store_true", help="the same by BirdNET's range model")
    parser.add_argument(
        "--max-feature-bytes", type=_whole, metavar="BYTES", help="of decoded sound at once (docs/operating.md)"
    )
    parser.add_argument("--prediction-log", metavar="PLACE", help="folder or s3:// prefix that keeps a row a window")
    parser.add_argument("--keys", type=Path, metavar="FILE", help="API keys (docs/operating.md)")
    for name, what in (("--tls-cert", "certificate with its chain"), ("--tls-key", "key of the certificate")):
        parser.add_argument(
            name, type=Path, metavar="FILE", help=f"PEM, {what}: REST and gRPC speak TLS (docs/operating.md)"
        )
    parser.add_argument(
        "--max-body-bytes",
        type=_whole,
        default=MAX_BODY_BYTES,
        metavar="N",
        help="largest body or gRPC message that is read (default: %(default)s)",
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        type=_origin,
        default=[],
        metavar="ORIGIN",
        help="let web pages of https://app.example.org ask, too; * for all (docs/operating.md)",
    )
    parser.set_defaults(run=up)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number of at least 1 is needed")
    return int(text)


def _origin(text: str) -> str:
    try:
        return check_origin(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def up(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM.

    Returns:
        0 if it was stopped, 1 if it did not start, a server ended by itself, or did not end in order.

    Raises:
        ConfigError: Keys or certificate cannot be used.
    """
    require(
        "serve-cpu", needed_by="silencio serve"
    )  # the servers are processes of their own, and tell it in their logs
    tls = _tls(options.tls_cert, options.tls_key)
    if options.keys is not None:
        read_keys(options.keys)  # the transformer would say so too, in its log
    output, progress = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    signal.signal(signal.SIGTERM, _interrupt)
    begun_s = time.monotonic()
    status = progress.status("starting predictor and transformer")
    status.start()
    try:
        with local_servers(
            options.bundle,
            host=options.host,
            port=options.port,
            grpc_port=options.grpc_port,
            max_body_bytes=options.max_body_bytes,
            tls=tls,
            transformer_options=_transformer_options(options),
            on_progress=lambda message: status.update(Text(f"{message} ({time.monotonic() - begun_s:.0f} s)")),
        ) as servers:
            status.stop()
            took_s = time.monotonic() - begun_s
            output.print(
                f"ready after {took_s:.1f} s at {servers.url} (a page to try it; gRPC at {servers.grpc_address})"
            )
            for note in _notes(options, servers.url, tls):
                output.print(f"note: {note}")
            output.print(f"\n{example_requests(servers.url, options.keys, options.tls_cert)}")
            # Servers that are ready have checked the bundle.
            output.print(_licence(read_manifest(options.bundle)))
            output.print("Ctrl-C stops it.")
            _wait_for_interrupt(servers)
        progress.print("stopped")
        return 0
    except KeyboardInterrupt:
        progress.print("stopped")
        return 0
    except ServingError as error:
        status.stop()
        progress.print(f"error: {error}")
        return 1
    finally:
        status.stop()


def _wait_for_interrupt(servers: LocalServers) -> None:
    """Raises `ServingError` if a server ends before."""
    try:
        while True:
            time.sleep(_CHECK_S)
            servers.check_alive()
    except KeyboardInterrupt:
        return


def _transformer_options(options: argparse.Namespace) -> list[str]:
    given = {name: getattr(options, name) for name in ("site_list", "prediction_log", "keys", "max_feature_bytes")}
    words = [part for name, value in given.items() if value is not None for part in (f"--{name}", str(value))]
    words += [f"--allow_origin={origin}" for origin in options.allow_origin]
    return [*words, *(["--birdnet_range"] if options.birdnet_range else [])]


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _tls(certificate: Path | None, key: Path | None) -> Tls | None:
    if (certificate is None) != (key is None):
        raise ConfigError("--tls-cert and --tls-key belong together: one is not set")
    return None if certificate is None or key is None else Tls(certificate, key)


def _notes(options: argparse.Namespace, url: str, tls: Tls | None) -> Iterator[str]:
    """What whoever started it might not expect."""
    if options.keys is None and options.host not in LOOPBACK_HOSTS:
        yield f"listening on {options.host} without --keys: whoever reaches this machine may ask"
    host = urlsplit(url).hostname or ""
    if tls is not None and (reason := refusal_at(tls, host)):
        names = names_of(tls)
        others = f"; it is for {', '.join(names)}: ask by one of these, from where it leads here" if names else ""
        yield f"clients do not take the certificate {tls.certificate} at {host} ({reason}){others}"


def _licence(manifest: BundleManifest) -> str:
    of = "; ".join(f"{name}: {licence}" for name, licence in manifest.licences.get("weights", {}).items())
    return f"licence of its answers: {manifest.licences.get('verdict', 'unknown')}{f' ({of})' if of else ''}\n"
