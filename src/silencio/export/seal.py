"""Seal a candidate: the metrics of the test set and the verdict go into the bundle, and nothing else changes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from silencio.bundle.load import Bundle
from silencio.bundle.manifest import SIGNATURE, BundleManifest
from silencio.export.bundle import require_free, write_manifest
from silencio.storage import whole_folder


def seal_bundle(
    candidate: Path, metrics: Mapping[str, Any], verdict: Mapping[str, Any], directory: Path
) -> BundleManifest:
    """Copy a candidate with its test metrics and its verdict.

    Args:
        candidate: As `export_bundle` wrote it.
        metrics: Joined to those that it has.
        verdict: As `silencio.evaluation.verdict.verdict_facts` gives it.
        directory: The sealed bundle's folder; must not exist, or be empty.

    Raises:
        BundleError: The candidate is not what was exported, or the folder is not empty.
        StorageError: It cannot be written.
    """
    bundle = Bundle(candidate)
    manifest = bundle.manifest.model_copy(
        update={"metrics": {**bundle.manifest.metrics, **metrics}, "verdict": dict(verdict)}
    )
    require_free(directory)
    with whole_folder(directory) as work:
        # A signature of the candidate is none of the bundle that comes of it.
        shutil.copytree(candidate, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns(SIGNATURE))
        manifest = write_manifest(manifest, work)
        Bundle(work)
    return manifest
