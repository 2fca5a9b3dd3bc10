"""State of one arm's servers on this machine: by HAProxy's checks, by the kernel, and by their own metrics."""

from __future__ import annotations

import contextlib

import httpx
import psutil  # type: ignore[import-untyped]
from prometheus_client.parser import text_string_to_metric_families

from serving.canary.haproxy_socket import ServerState
from serving.canary.one_machine_state import ArmState
from silencio.release.evidence import ArmHealth

# Of the predictor: those of simulated users, too, which stand in no series of the transformer.
_WINDOWS = "silencio_batch_windows_sum"
_TIMEOUT_S = 5.0


def arm_health(arm: ArmState, server: ServerState | None) -> ArmHealth:
    """What is known of an arm; of one that does not run, nothing.

    Nobody starts a server again behind a release's back, so `restarts` is 0: one that ended is not ready.

    Args:
        arm: As `silencio serve` says.
        server: As HAProxy says; None: it does not know it.
    """
    processes = _processes(arm)
    if not arm.is_running or server is None or len(processes) < 2:
        return ArmHealth()
    resident_bytes, cpu_s = 0.0, 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            for one in (process, *process.children(recursive=True)):
                resident_bytes += one.memory_info().rss
                cpu_s += sum(one.cpu_times()[:2])
    n_windows = _n_windows(arm.predictor_url)
    return ArmHealth(
        ready_s=server.changed_s if server.is_up else None,
        resident_bytes=resident_bytes or None,
        cpu_s_per_window=cpu_s / n_windows if n_windows else None,
        cpu_s=cpu_s,
        n_windows=n_windows,
    )


def _processes(arm: ArmState) -> list[psutil.Process]:
    found = []
    for pid in (arm.transformer_pid, arm.predictor_pid):
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid) if pid else None
            if process and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _n_windows(url: str) -> float:
    """Windows that were scored; 0 where the server does not say."""
    try:
        answer = httpx.get(f"{url}/metrics", trust_env=False, timeout=_TIMEOUT_S)
        families = text_string_to_metric_families(answer.raise_for_status().text)
        return sum(sample.value for one in families for sample in one.samples if sample.name == _WINDOWS)
    except (httpx.HTTPError, ValueError):
        return 0.0
