"""bundle.json is read by whoever asks for it, not only by those who run the graph."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from silencio.bundle.manifest import read_manifest
from silencio.errors import BundleError, BundleIntegrityError


def test_manifest__and_licences_are_read_without_what_runs_graphs(bundle_directory: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('onnxruntime', 'onnx', 'torch', 'pandas', 'ai_edge_litert')))\n"
        "from pathlib import Path\n"
        "from silencio.bundle import BundleManifest\n"
        "from silencio.bundle.licences import licence_lines, licence_verdict\n"
        "from silencio.bundle.manifest import read_manifest\n"
        "manifest = read_manifest(Path(sys.argv[1]))\n"
        "assert isinstance(manifest, BundleManifest)\n"
        "print(licence_verdict({'CC BY 4.0': 2}, manifest.heads, manifest.encoders)['verdict'])\n"
        "print(len(licence_lines(manifest.licences)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(bundle_directory)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("commercial use not excluded, attribution of the recordists")


def test_read_manifest__of_a_folder_without_one(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no bundle: it holds no bundle.json"):
        read_manifest(tmp_path)


def test_read_manifest__names_the_place_of_what_is_wrong(own_bundle: Path) -> None:
    path = own_bundle / "bundle.json"
    path.write_text(path.read_text().replace('"spec_sha256"', '"spec_sha"', 1))
    with pytest.raises(BundleIntegrityError, match=r"bundle\.json cannot be read: spec_sha"):
        read_manifest(own_bundle)


@pytest.mark.parametrize("name", ["Bundle", "Scorer", "ScoredRecording"])
def test_room__gives_what_runs_a_bundle_when_it_is_asked_for(name: str) -> None:
    import silencio.bundle

    assert getattr(silencio.bundle, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Bundel'"):
        _ = silencio.bundle.Bundel
