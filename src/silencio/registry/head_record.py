"""A head's own run in MLflow, made of what the head's folder keeps.

For heads that were taken up from an earlier run, and for those that trained while nobody answered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Run

from silencio.registry.flatten import metrics_of, params_of
from silencio.registry.runs import children_of, fresh_child, log_metrics, log_params
from silencio.storage import write_atomically

_RECORD = "record.json"
_STEP = tuple[str, int]


@dataclass(frozen=True)
class Times:
    """When a head was trained. They stand beside its folder, and not in it: equal trainings give equal folders.

    Attributes:
        started_ms: Milliseconds since the epoch.
        ended_ms: The end of each epoch.
        epoch_s: How long each took.
    """

    started_ms: int
    ended_ms: list[int] = field(default_factory=list)
    epoch_s: list[float] = field(default_factory=list)

    def to_json(self) -> str:
        """As `from_json` reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Times | None:
        """None of an empty text."""
        return cls(**json.loads(text)) if text else None


@dataclass(frozen=True)
class HeadRecord:
    """What a head's run holds.

    Attributes:
        name: Name of the run.
        params: The head's configuration.
        epochs: Metrics of each epoch, without times.
        result: What came of it.
    """

    name: str
    params: dict[str, Any]
    epochs: list[dict[str, float]]
    result: dict[str, float]

    def save(self, folder: Path) -> None:
        """Write it into the folder of the trained head."""
        write_atomically(folder / _RECORD, json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, folder: Path) -> HeadRecord:
        """The inverse of `save`."""
        return cls(**json.loads((folder / _RECORD).read_text(encoding="utf-8")))

    def metrics(self, times: Times | None, otherwise_ms: int) -> Iterator[Metric]:
        """All metrics; without times, at `otherwise_ms`."""
        ended_ms = times.ended_ms if times else [otherwise_ms] * len(self.epochs)
        for number, (epoch, at_ms) in enumerate(zip(self.epochs, ended_ms, strict=True)):
            took = {"epoch_s": times.epoch_s[number]} if times else {}
            yield from (Metric(name, value, at_ms, number) for name, value in metrics_of({**epoch, **took}).items())
        last_ms = ended_ms[-1] if ended_ms else otherwise_ms
        yield from (Metric(name, value, last_ms, 0) for name, value in metrics_of(self.result).items())


def record_heads(client: MlflowClient, run_id: str, heads: Mapping[str, str]) -> None:
    """See to it that each head has a finished run under the pipeline's, with all its metrics. Twice is as once.

    Args:
        client: The tracking server's client.
        run_id: The pipeline's run.
        heads: Heads for each folder of a trained head, its times (`Times.to_json`); empty: unknown.

    Raises:
        MlflowException: The server refused; see `connection.registry_errors`.
    """
    children = {str(child.info.run_name): child for child in children_of(client, run_id)}
    for folder, times in heads.items():
        record = HeadRecord.load(Path(folder))
        _record(client, run_id, children.get(record.name), record, Times.from_json(times))


def _record(client: MlflowClient, parent: str, child: Run | None, record: HeadRecord, times: Times | None) -> None:
    otherwise_ms = int(client.get_run(parent).info.start_time)
    wanted = list(record.metrics(times, otherwise_ms))
    known = {} if child is None else _known(client, child, {metric.key for metric in wanted})
    if child is None or _another(child, known, record, wanted):
        started_ms = times.started_ms if times else None
        run_id, known = fresh_child(client, parent, record.name, params_of(record.params), started_ms), {}
    else:
        run_id = str(child.info.run_id)
        log_params(client, run_id, params_of(record.params))
    log_metrics(client, run_id, [metric for metric in wanted if (metric.key, metric.step) not in known])
    if child is None or str(child.info.run_id) != run_id or child.info.status != "FINISHED":
        client.set_terminated(run_id, "FINISHED", max((metric.timestamp for metric in wanted), default=None))


def _known(client: MlflowClient, child: Run, names: set[str]) -> dict[_STEP, float]:
    there = sorted(names & child.data.metrics.keys())
    points = (point for name in there for point in client.get_metric_history(child.info.run_id, name))
    return {(point.key, point.step): point.value for point in points}


def _another(child: Run, known: Mapping[_STEP, float], record: HeadRecord, wanted: Sequence[Metric]) -> bool:
    """Whether the run is of a training that was killed, and this head of another."""
    params = params_of(record.params)
    if any(params.get(name) != value for name, value in child.data.params.items()):
        return True
    metrics = {(metric.key, metric.step): metric.value for metric in wanted}
    if any(metrics.get(point, value) != value for point, value in known.items() if point[0] != "epoch_s"):
        return True
    return any(name == "loss" and step >= len(record.epochs) for name, step in known)
