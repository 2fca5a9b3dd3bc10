"""An MLflow of its own for a release: both bundles are versions, and what serves is the champion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlflow import MlflowClient

from silencio.bundle.manifest import read_manifest
from silencio.registry.models import CHALLENGER, CHAMPION
from silencio.registry.settings import MODEL

_URI = "MLFLOW_TRACKING_URI"


def register(folder: Path, bundles: Sequence[Path]) -> dict[str, str]:
    """Register champion and challenger.

    Returns:
        Variables by which commands find this MLflow.
    """
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    client = MlflowClient(uri)
    client.create_registered_model(MODEL)
    for alias, bundle in zip((CHAMPION, CHALLENGER), bundles, strict=True):
        manifest = read_manifest(bundle)
        tags = {"bundle_version": manifest.version, "manifest_sha256": manifest.manifest_sha256}
        made = client.create_model_version(MODEL, str(bundle), tags=tags, await_creation_for=0)
        client.set_registered_model_alias(MODEL, alias, made.version)
    return {_URI: uri}


def aliases(variables: dict[str, str], bundles: Sequence[Path]) -> dict[str, str]:
    """Which of the two has which alias now."""
    client = MlflowClient(variables[_URI])
    names = {str(number + 1): bundle.name for number, bundle in enumerate(bundles)}
    return {alias: names[str(one)] for alias, one in client.get_registered_model(MODEL).aliases.items()}
