"""What a finished pipeline leaves in its MLflow run: configuration, identities, metrics, files and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag

from silencio.bundle.manifest import BundleManifest
from silencio.evaluation.verdict import Verdict
from silencio.registry.flatten import metrics_of, params_of, shortened
from silencio.registry.runs import log_metrics, log_params

BUNDLE = "bundle"


@dataclass(frozen=True)
class RunFiles:
    """Paths of what is recorded.

    Attributes:
        bundle: The bundle's folder.
        verdict: The verdict's JSON file.
        evaluation: Folder or JSON.
        report: The report, an HTML file.
    """

    bundle: Path
    verdict: Path
    evaluation: Path
    report: Path


def record_run(
    client: MlflowClient, run_id: str, config: str, files: RunFiles, manifest: BundleManifest, verdict: Verdict
) -> None:
    """Put everything into the run. Done twice it is the same: a step may be started again.

    Args:
        client: The tracking server's client.
        run_id: Identifier of the run.
        config: The resolved configuration, YAML.
        files: What is recorded.
        manifest: The bundle's manifest.
        verdict: Verdict of the gates.

    Raises:
        MlflowException, OSError: The server or its artifact store refused; see `connection.registry_errors`.
    """
    log_params(client, run_id, params_of(yaml.safe_load(config)))
    # The run's own start as the time: the same metric at the same time is kept once.
    started_ms = client.get_run(run_id).info.start_time
    metrics = metrics_of(manifest.metrics)
    log_metrics(client, run_id, [Metric(name, value, started_ms, 0) for name, value in metrics.items()])
    client.log_artifacts(run_id, str(files.bundle), BUNDLE)
    client.log_text(run_id, config, "config.yaml")
    client.log_text(run_id, files.verdict.read_text(encoding="utf-8"), "verdict.json")
    client.log_text(run_id, files.report.read_text(encoding="utf-8"), "report.html")
    if files.evaluation.is_dir():
        client.log_artifacts(run_id, str(files.evaluation), "evaluation")
    else:
        client.log_text(run_id, files.evaluation.read_text(encoding="utf-8"), "evaluation.json")
    set_tags(client, run_id, _identities(manifest) | _verdict_tags(verdict))


def set_tags(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """All at once: a verdict is never there by half."""
    client.log_batch(run_id, tags=[RunTag(name, shortened(value)) for name, value in tags.items()])


def _identities(manifest: BundleManifest) -> dict[str, str]:
    """What the bundle is and what it was made from, under the names of `open_run`."""
    parents = {("git_commit" if name == "code_version" else name): value for name, value in manifest.parents.items()}
    return parents | {
        "bundle_version": manifest.version,
        "manifest_sha256": manifest.manifest_sha256,
        "spec_sha256": manifest.spec_sha256,
        "test_set": manifest.test_set,
    }


def _verdict_tags(verdict: Verdict) -> dict[str, str]:
    shown = {"refused": "**failed**"}
    rows = (f"| {one.gate} | {shown.get(one.outcome, one.outcome)} | {one.message} |" for one in verdict.reasons)
    failed = "; ".join(map(str, verdict.of("refused")))
    return {
        "verdict": "passed" if verdict.passed else "refused",
        "needs_retraining": "false" if verdict.passed else "true",
        "refused_because": "" if verdict.passed else failed or "no gate says why",
        "gates_not_asked": "; ".join(one.gate for one in verdict.of("not asked")),
        # Shown at the head of the run's page.
        "mlflow.note.content": "\n".join(["| gate | verdict | why |", "|---|---|---|", *rows]),
    }
