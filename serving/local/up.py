"""`silencio serve`: a bundle behind an address, on this machine."""

from __future__ import annotations

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
from serving.server.protocol import LOOPBACK_HOSTS
from serving.settings import misspelt
from serving.settings.local import LocalSettings
from serving.settings.predictor import PredictorSettings
from serving.settings.transformer import TransformerSettings
from silencio.bundle.manifest import BundleManifest, read_manifest
from silencio.console import Console
from silencio.errors import ConfigError, ServingError
from silencio.extras import require

_CHECK_S = 0.5


def up(settings: LocalSettings) -> int:
    """Serve until Ctrl-C or SIGTERM.

    Returns:
        0 if it was stopped, 1 if it did not start, a server ended by itself, or did not end in order.

    Raises:
        ConfigError: Keys or certificate cannot be used.
    """
    # The servers are processes of their own: what they lack they would tell in their logs.
    require("serve-cpu", needed_by="silencio serve")
    tls = tls_of_settings(settings.tls_cert, settings.tls_key)
    if settings.keys is not None:
        read_keys(settings.keys)  # the transformer would say so too, in its log
    output, progress = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    signal.signal(signal.SIGTERM, interrupt)
    begun_s = time.monotonic()
    status = progress.status("starting predictor and transformer")
    status.start()
    try:
        with local_servers(
            settings.bundle,
            host=settings.host,
            port=settings.port,
            grpc_port=settings.grpc_port,
            max_body_bytes=settings.max_body_bytes,
            tls=tls,
            transformer_options=transformer_options(settings),
            on_progress=lambda message: status.update(Text(f"{message} ({time.monotonic() - begun_s:.0f} s)")),
        ) as servers:
            status.stop()
            took_s = time.monotonic() - begun_s
            output.print(
                f"ready after {took_s:.1f} s at {servers.url} (a page to try it; gRPC at {servers.grpc_address})"
            )
            for note in notes(settings, servers.url, tls):
                output.print(f"note: {note}")
            output.print(f"\n{example_requests(servers.url, settings.keys, settings.tls_cert)}")
            # Servers that are ready have checked the bundle.
            output.print(licence(read_manifest(settings.bundle)))
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


def transformer_options(settings: LocalSettings) -> list[str]:
    """The transformer's own of the settings, as its command line has them."""
    given = {name: getattr(settings, name) for name in ("site_list", "prediction_log", "keys", "max_feature_bytes")}
    words = [part for name, value in given.items() if value is not None for part in (f"--{name}", str(value))]
    words += [f"--allow_origin={origin}" for origin in settings.allow_origin]
    # Set either way: the server sees the environment, too, over which the command line wins here.
    return [*words, "--birdnet_range" if settings.birdnet_range else "--no-birdnet_range"]


def interrupt(number: int, frame: object) -> None:
    """A signal's handler: stop as Ctrl-C does."""
    raise KeyboardInterrupt


def tls_of_settings(certificate: Path | None, key: Path | None) -> Tls | None:
    """Certificate and key of `silencio serve`.

    Raises:
        ConfigError: One of them is not set, or they cannot be used.
    """
    if (certificate is None) != (key is None):
        raise ConfigError("--tls-cert and --tls-key belong together: one is not set")
    return None if certificate is None or key is None else Tls(certificate, key)


def notes(settings: LocalSettings, url: str, tls: Tls | None) -> Iterator[str]:
    """What whoever started it might not expect."""
    yield from misspelt(LocalSettings, TransformerSettings, PredictorSettings)
    if settings.keys is None and settings.host not in LOOPBACK_HOSTS:
        yield f"listening on {settings.host} without --keys: whoever reaches this machine may use it"
    host = urlsplit(url).hostname or ""
    if tls is not None and (reason := refusal_at(tls, host)):
        names = names_of(tls)
        others = f"; it is for {', '.join(names)}: use one of these, from where it leads here" if names else ""
        yield f"clients do not take the certificate {tls.certificate} at {host} ({reason}){others}"


def licence(manifest: BundleManifest) -> str:
    """The line that says under what licence answers stand."""
    of = "; ".join(f"{name}: {licence}" for name, licence in manifest.licences.get("weights", {}).items())
    return f"licence of its answers: {manifest.licences.get('verdict', 'unknown')}{f' ({of})' if of else ''}\n"
