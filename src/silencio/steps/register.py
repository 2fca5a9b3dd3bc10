"""register: the run's record, and a version of the model if the gates let it pass."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from silencio.bundle.load import Bundle
from silencio.errors import RegistryError
from silencio.evaluation.verdict import Verdict
from silencio.registry.connection import connect, registry_errors
from silencio.registry.head_record import record_heads
from silencio.registry.models import register_version
from silencio.registry.record import RunFiles, record_run, set_tags
from silencio.registry.runs import close_run
from silencio.registry.settings import MODEL
from silencio.storage import write_atomically


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        run_id: The MLflow run, from `open_run`.
        config: The resolved configuration, YAML.
        bundle: The sealed bundle.
        verdict: Every gate's outcome, as JSON.
        evaluation: Every metric, as JSON.
        report: The report for people.
        heads: Folders of the trained heads, each with its times (`silencio.registry.head_record.record_heads`).
    """

    run_id: str
    config: str
    bundle: Path
    verdict: Path
    evaluation: Path
    report: Path
    heads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        registration: What came of it, as JSON.
    """

    registration: Path


def run(inputs: Inputs, outputs: Outputs) -> str:
    """Record a run, and register its bundle if the verdict is `passed`. Started again it registers nothing twice.

    Returns:
        The version's number; empty where the bundle was refused.

    Raises:
        RegistryError: The server does not answer or refuses.
        BundleError: The verdict cannot be read, or the bundle is not what was exported.
    """
    run_id = inputs.run_id
    if not run_id:
        raise RegistryError("register was given no run: it takes the run_id of the step open_run")
    files = RunFiles(inputs.bundle, inputs.verdict, inputs.evaluation, inputs.report)
    manifest = Bundle(files.bundle).manifest
    verdict = Verdict.load(files.verdict)
    if manifest.verdict.get("passed", verdict.passed) != verdict.passed:
        raise RegistryError(f"bundle {manifest.version} was sealed with another verdict than {files.verdict} holds")
    client = connect()
    with registry_errors(f"recording run {run_id}"):
        record_run(client, run_id, inputs.config, files, manifest, verdict)
        record_heads(client, run_id, inputs.heads)
        version = str(register_version(client, run_id, manifest)) if verdict.passed else ""
        set_tags(client, run_id, {"model_version": version})
        close_run(client, run_id, "FINISHED")
    registration = {
        "model": MODEL,
        "version": version,
        "bundle_version": manifest.version,
        "run_id": run_id,
        "verdict": "passed" if verdict.passed else "refused",
        "failed_gates": [str(reason) for reason in verdict.of("refused")],
    }
    write_atomically(outputs.registration, json.dumps(registration, indent=1))
    return version
