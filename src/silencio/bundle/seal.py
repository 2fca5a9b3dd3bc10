"""Seal a candidate: the figures on the test part and the verdict go into the bundle, and nothing else changes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from silencio.bundle.export import write_manifest
from silencio.bundle.load import Bundle
from silencio.bundle.manifest import BundleManifest


def seal_bundle(
    candidate: Path, metrics: Mapping[str, Any], verdict: Mapping[str, Any], directory: Path
) -> BundleManifest:
    """Copy a candidate with its test figures and its verdict.

    Args:
        candidate: As `export_bundle` wrote it.
        metrics: Joined to those that it has.
        verdict: `passed` and `refusals`.
        directory: The sealed bundle's folder; must not exist, or be empty.

    Raises:
        BundleError: The candidate is not what was exported.
    """
    bundle = Bundle(candidate)
    manifest = bundle.manifest.model_copy(
        update={"metrics": {**bundle.manifest.metrics, **metrics}, "verdict": dict(verdict)}
    )
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".bundle-") as temporary:
        work = Path(temporary) / "bundle"
        shutil.copytree(candidate, work)
        manifest = write_manifest(manifest, work)
        Bundle(work)
        if directory.exists():
            directory.rmdir()
        shutil.move(work, directory)
    return manifest
