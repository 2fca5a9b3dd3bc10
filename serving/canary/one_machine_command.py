"""`silencio serve --canary`: a champion and a challenger behind one address, on this machine."""

from __future__ import annotations

import signal
import time

from rich.text import Text

from serving.access.keys import read_keys
from serving.access.tls import Tls
from serving.canary.one_machine import OneMachine, one_machine
from serving.canary.one_machine_arm import MachinePlan
from serving.canary.one_machine_tools import Programs
from serving.local.example_requests import example_requests
from serving.local.up import interrupt, licence, notes, tls_of_settings, transformer_options
from serving.settings.local import LocalSettings
from serving.settings.transformer import TransformerSettings
from silencio.bundle.manifest import read_manifest
from silencio.console import Console
from silencio.errors import SilencioError
from silencio.extras import require
from silencio.storage import is_local, local_path

_CHECK_S = 0.2
# HAProxy drops visitors' own marks, and says itself by which arm and release it hands a request on.
_TRUSTED = ["--trust_marks", "true"] if "trust_marks" in TransformerSettings.model_fields else []


def up_with_canary(settings: LocalSettings) -> int:
    """Serve both until Ctrl-C or SIGTERM.

    Returns:
        0 if it was stopped, 1 if it did not start, what serves ended by itself, or something did not end in order.

    Raises:
        ConfigError: Keys or certificate cannot be used.
        ServingError: HAProxy or Prometheus is not there.
    """
    require("serve-cpu", needed_by="silencio serve")
    tls = tls_of_settings(settings.tls_cert, settings.tls_key)
    if settings.keys is not None:
        read_keys(settings.keys)
    plan = MachinePlan(
        bundle=settings.bundle,
        canary=settings.canary,
        programs=Programs.find(),
        folder=settings.state_dir,
        host=settings.host,
        port=settings.port,
        grpc_port=settings.grpc_port,
        max_body_bytes=settings.max_body_bytes,
        transformer_options=[*transformer_options(settings), *_TRUSTED],
        prediction_log=_log_place(settings),
        shadow_share=_shadow_share(settings),
        shadow_key=settings.shadow_key,
        tls=tls,
        scrape_interval_s=settings.scrape_interval_s,
    )
    output, progress = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    signal.signal(signal.SIGTERM, interrupt)
    begun_s = time.monotonic()
    status = progress.status("starting both arms")
    status.start()
    try:
        with one_machine(plan, lambda text: status.update(Text(f"{text} ({time.monotonic() - begun_s:.0f} s)"))) as one:
            status.stop()
            output.print(_welcome(settings, one, tls, time.monotonic() - begun_s))
            _follow(one, output)
    except KeyboardInterrupt:
        pass
    except SilencioError as error:
        status.stop()
        progress.print(f"error: {error}")
        return 1
    finally:
        status.stop()
    progress.print("stopped")
    return 0


def _follow(machine: OneMachine, output: Console) -> None:
    """Raises `ServingError` when what serves has ended."""
    try:
        while True:
            while machine.notes:
                output.print(f"note: {machine.notes.pop(0)}")
            time.sleep(_CHECK_S)
            machine.follow()
    except KeyboardInterrupt:
        return


def _log_place(settings: LocalSettings) -> str:
    """For `silencio release`, which may run in another folder."""
    place = settings.prediction_log or ""
    return str(local_path(place).resolve()) if place and is_local(place) else place


def _shadow_share(settings: LocalSettings) -> float:
    """Where keys are wanted, copies need one of their own."""
    return settings.shadow_share if settings.keys is None or settings.shadow_key is not None else 0.0


def _welcome(settings: LocalSettings, one: OneMachine, tls: Tls | None, took_s: float) -> str:
    machine = one.state
    lines = [f"ready after {took_s:.1f} s at {machine.url} (a page to try it; gRPC at {machine.grpc_address})"]
    for name, arm in (("champion", machine.champion), ("challenger", machine.challenger)):
        version = "none yet" if arm.bundle is None else f"{arm.bundle.version} ({arm.condition})"
        lines.append(f"{name}: {version}")
    lines.append(f"Prometheus at {machine.prometheus_url}; state in {settings.state_dir}")
    lines += [f"note: {note}" for note in (*notes(settings, machine.url, tls), *one.notes)]
    one.notes.clear()
    if settings.prediction_log and settings.shadow_share and not _shadow_share(settings):
        lines.append("note: no shadow traffic: with --keys it needs --shadow-key FILE, a key of role admin")
    lines.append(f"\n{example_requests(machine.url, settings.keys, settings.tls_cert)}")
    lines.append(licence(read_manifest(settings.bundle)))
    return "\n".join([*lines, "Ctrl-C stops it."])
