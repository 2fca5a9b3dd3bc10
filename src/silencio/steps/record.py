"""record: the bundle of a run that is not the released one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from mlflow.entities import Metric

from silencio.bundle.load import Bundle
from silencio.errors import RegistryError
from silencio.registry.connection import connect, registry_errors
from silencio.registry.flatten import metrics_of
from silencio.registry.runs import log_metrics


def record_step(run_id: str, name: str, inputs: Mapping[str, str]) -> None:
    """Put a bundle, its figures and the comparison into the run. Done twice it is the same.

    Args:
        run_id: From `open_run`.
        name: Folder of its files and prefix of its figures in the run: `ensemble` or `student`.
        inputs: Paths of `bundle`, `verdict`, `evaluation`, `report`, and of the comparison, `page` and `table`.

    Raises:
        RegistryError: The server does not answer or refuses.
        BundleIntegrityError: The bundle is not what was exported.
    """
    if not run_id:
        raise RegistryError("record was given no run: it takes the run_id of the step open_run")
    manifest = Bundle(Path(inputs["bundle"])).manifest
    client = connect()
    with registry_errors(f"recording the {name} of run {run_id}"):
        started_ms = client.get_run(run_id).info.start_time or int(time.time() * 1000)
        figures = metrics_of(manifest.metrics)
        log_metrics(client, run_id, [Metric(f"{name}/{key}", value, started_ms, 0) for key, value in figures.items()])
        client.log_artifacts(run_id, inputs["bundle"], f"{name}/bundle")
        for key, file in (("verdict", "verdict.json"), ("evaluation", "evaluation.json"), ("report", "report.html")):
            client.log_text(run_id, Path(inputs[key]).read_text(encoding="utf-8"), f"{name}/{file}")
        for key, file in (("page", "bundles.html"), ("table", "bundles.json")):
            client.log_text(run_id, Path(inputs[key]).read_text(encoding="utf-8"), file)
