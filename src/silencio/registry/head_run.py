"""What happens while a head trains, epoch by epoch, in a run of its own under the pipeline's run."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from silencio.errors import RegistryError
from silencio.registry.connection import connect, registry_errors
from silencio.registry.flatten import metrics_of, params_of
from silencio.registry.head_record import HeadRecord, Times
from silencio.registry.runs import fresh_child, log_metrics, run_of
from silencio.registry.settings import Tracking, run_key, shown

_log = logging.getLogger(__name__)
# Their messages repeat ours, each time and longer.
for _name in ("mlflow.system_metrics", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

# A server that is gone is tried again after this long, so that it costs an epoch next to nothing.
_PAUSE_S = 30.0
_SYSTEM_EVERY_S = 5.0


def _now_ms() -> int:
    return int(time.time() * 1000)


class HeadRun:
    """A child run with a head's parameters, its metrics by epoch, and MLflow's system metrics.

    Training is worth more than its record: a server that goes away is warned of once, what it missed is kept and sent
    when it answers again, at the latest at the end. A head that is trained anew gets a new run in place of the old.
    The pipeline's run is found by the run's key (`settings.run_key`); outside a pipeline nothing is recorded. What
    could not be sent until the end, `register` takes from the head's folder (`silencio.registry.head_record`).

    Args:
        head: Name of the head's run.
        params: The head's configuration.

    Attributes:
        times: Times of the training so far.
    """

    def __init__(self, head: str, params: Mapping[str, Any]) -> None:
        self._head, self._params = head, params_of(params)
        self._key = run_key()
        self._record = HeadRecord(head, dict(params), [], {})
        self.times = Times(started_ms=_now_ms())
        self._parent = self._run_id = ""
        self._unsent: list[Metric] = []
        self._monitor: Any = None
        self._missed = False
        self._retry_at = 0.0

    def epoch(self, number: int, metrics: Mapping[str, Any]) -> None:
        """Record metrics of one epoch, counted from 0; `epoch_s` is its time."""
        self._record.epochs.append({name: value for name, value in metrics.items() if name != "epoch_s"})
        self.times.epoch_s.append(metrics.get("epoch_s", 0.0))
        self.times.ended_ms.append(_now_ms())
        self._keep(number, metrics)
        if time.monotonic() >= self._retry_at:
            self._send()

    def result(self, metrics: Mapping[str, Any]) -> None:
        """Record what came of it; sent at the end."""
        self._record.result.update(metrics)
        self._keep(0, metrics)

    def save(self, folder: Path) -> None:
        """Keep the record with the trained head, for `register`."""
        self._record.save(folder)

    def __enter__(self) -> Self:
        self._send()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._monitor:
            self._monitor.finish()
        self._send(last_status="FAILED" if error else "FINISHED")

    def _keep(self, step: int, metrics: Mapping[str, Any]) -> None:
        # A point that `register` finds missing gets the same time.
        at_ms = self.times.ended_ms[-1] if self.times.ended_ms else self.times.started_ms
        self._unsent += [Metric(name, value, at_ms, step) for name, value in metrics_of(metrics).items()]

    def _send(self, last_status: str = "") -> None:
        if not self._key:
            return
        tracking = Tracking()
        try:
            client = connect(tracking)
            with registry_errors(f"recording head {self._head}"):
                if not self._opened(client, tracking):
                    return
                log_metrics(client, self._run_id, self._unsent)
                self._unsent.clear()
                if last_status:
                    client.set_terminated(self._run_id, last_status)
                elif self._missed or not self._monitor:
                    self._watch_system(tracking)
            self._missed = False
        except RegistryError as error:
            self._retry_at = time.monotonic() + _PAUSE_S
            if last_status:
                _log.warning(
                    "%d metrics of head %s were not sent, register will write them: %s",
                    len(self._unsent),
                    self._head,
                    error,
                )
            elif not self._missed:
                _log.warning("training %s goes on and keeps its metrics until they can be sent: %s", self._head, error)
            self._missed = True

    def _opened(self, client: MlflowClient, tracking: Tracking) -> bool:
        self._parent = self._parent or run_of(client, tracking, self._key)
        if not self._parent:
            _log.warning(
                "head %s is trained and not recorded: experiment %r at %s has no run of this pipeline (%s)",
                self._head,
                tracking.experiment,
                shown(tracking.uri),
                self._key,
            )
            self._key = ""
            return False
        self._run_id = self._run_id or fresh_child(client, self._parent, self._head, self._params)
        return True

    def _watch_system(self, tracking: Tracking) -> None:
        """MLflow's monitor ends for good when the server goes away: a new one takes up where it was."""
        resume = self._monitor is not None
        if self._monitor:
            self._monitor.finish()
        self._monitor = SystemMetricsMonitor(  # type: ignore[no-untyped-call]
            self._run_id, _SYSTEM_EVERY_S, resume_logging=resume, tracking_uri=tracking.uri
        )
        self._monitor.start()
