"""A bundle to read, and one to break."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from silencio.bundle import BundleManifest
from silencio.bundle.placeholder import write_placeholder_bundle

Edit = Callable[[Callable[[dict[str, Any]], None]], None]


@pytest.fixture(scope="session")
def bundle_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For reading: whoever changes it changes it for every test."""
    return write_placeholder_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def own_bundle(bundle_directory: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(bundle_directory, tmp_path / "bundle"))


@pytest.fixture
def edit_manifest(own_bundle: Path) -> Edit:
    """Change bundle.json of `own_bundle` and seal it again, as somebody would who knows every hash in it."""

    def edit(change: Callable[[dict[str, Any]], None]) -> None:
        path = own_bundle / "bundle.json"
        content = json.loads(path.read_text())
        change(content)
        manifest = BundleManifest.model_validate(content)
        hashes = {"spec_sha256": manifest.spec.sha256, "classes_sha256": manifest.classes.sha256}
        path.write_text(manifest.model_copy(update=hashes).sealed().model_dump_json(indent=2))

    return edit
