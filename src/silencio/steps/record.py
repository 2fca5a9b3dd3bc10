"""record: the bundle of a run that is not the released one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Metric

from silencio.bundle.load import Bundle
from silencio.errors import RegistryError
from silencio.registry.connection import connect, registry_errors
from silencio.registry.flatten import metrics_of
from silencio.registry.runs import log_metrics


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        run_id: The MLflow run, from `open_run`.
        name: Folder of the bundle's files and prefix of its metrics in the run: `ensemble` or `student`.
        bundle: The sealed bundle.
        verdict: Every gate's outcome, as JSON.
        evaluation: Every metric, as JSON.
        report: The report for people.
        page: Both bundles in one table, for people.
        table: The same as JSON.
    """

    run_id: str
    name: str
    bundle: Path
    verdict: Path
    evaluation: Path
    report: Path
    page: Path
    table: Path


def run(inputs: Inputs) -> None:
    """Put a bundle, its metrics and the comparison into the run. Done twice it is the same.

    Raises:
        RegistryError: The server does not answer or refuses.
        BundleIntegrityError: The bundle is not what was exported.
    """
    run_id, name = inputs.run_id, inputs.name
    if not run_id:
        raise RegistryError("record was given no run: it takes the run_id of the step open_run")
    manifest = Bundle(inputs.bundle).manifest
    texts = {
        f"{name}/verdict.json": inputs.verdict,
        f"{name}/evaluation.json": inputs.evaluation,
        f"{name}/report.html": inputs.report,
        "bundles.html": inputs.page,
        "bundles.json": inputs.table,
    }
    client = connect()
    with registry_errors(f"recording the {name} of run {run_id}"):
        started_ms = client.get_run(run_id).info.start_time or int(time.time() * 1000)
        metrics = metrics_of(manifest.metrics)
        log_metrics(client, run_id, [Metric(f"{name}/{key}", value, started_ms, 0) for key, value in metrics.items()])
        client.log_artifacts(run_id, str(inputs.bundle), f"{name}/bundle")
        for place, file in texts.items():
            client.log_text(run_id, file.read_text(encoding="utf-8"), place)
