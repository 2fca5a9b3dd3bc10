"""Small bundles as MLflow has them."""

from __future__ import annotations

from pathlib import Path

from mlflow import MlflowClient

from silencio.bundle.manifest import BundleManifest, read_manifest
from silencio.registry.models import register_version
from silencio.registry.record import BUNDLE
from silencio.registry.runs import open_run
from tests.serving.canary import small_bundles


def register_small(client: MlflowClient, folder: Path, version: str) -> tuple[int, BundleManifest]:
    """Register a bundle of this version, made in a new folder: it is challenger then. Its number in MLflow."""
    small_bundles.champion(folder)
    manifest = read_manifest(folder).model_copy(update={"version": version}).sealed()
    (folder / "bundle.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    run_id = open_run("train", "abc", "local", "")
    client.log_artifacts(run_id, str(folder), BUNDLE)
    return register_version(client, run_id, manifest), manifest
