"""package: a bundle where servers fetch it: whole, verified, under the name of its content."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from silencio.bundle import Bundle
from silencio.bundle.manifest import SIGNATURE, read_manifest
from silencio.errors import BundleError
from silencio.export.bundle import write_manifest
from silencio.steps.package import Inputs, run
from silencio.storage import download_folder, local_path
from tests.s3 import S3Server, running_s3
from tests.serving.canary.delivered import sealed_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return sealed_bundle(tmp_path / "bundle")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> S3Server:
    return running_s3().use(monkeypatch)


def packaged(bundle: Path, packages: Path | str) -> str:
    return run(Inputs(bundle=bundle, packages=str(packages)))


def test_place__is_named_by_the_content_and_ends_in_a_slash(bundle: Path, tmp_path: Path) -> None:
    uri = packaged(bundle, tmp_path / "packages")
    sha256 = read_manifest(bundle).manifest_sha256
    assert uri == f"{tmp_path / 'packages'}/0-placeholder-{sha256[:12]}/"
    Bundle(local_path(uri)).verify()
    other = sealed_bundle(tmp_path / "other", seed=1)
    assert packaged(other, tmp_path / "packages") != uri


def test_bundle__that_lies_there_is_not_written_again(bundle: Path, tmp_path: Path) -> None:
    uri = packaged(bundle, tmp_path / "packages")
    written_ns = {path: path.stat().st_mtime_ns for path in local_path(uri).iterdir()}
    assert packaged(bundle, tmp_path / "packages") == uri
    assert {path: path.stat().st_mtime_ns for path in local_path(uri).iterdir()} == written_ns


def test_signature__that_came_later_is_packaged_too(bundle: Path, tmp_path: Path) -> None:
    place = local_path(packaged(bundle, tmp_path / "packages"))
    (bundle / SIGNATURE).write_bytes(b"by the release key")
    packaged(bundle, tmp_path / "packages")
    assert (place / SIGNATURE).read_bytes() == b"by the release key"
    (bundle / SIGNATURE).write_bytes(b"by the next release key")
    packaged(bundle, tmp_path / "packages")
    assert (place / SIGNATURE).read_bytes() == b"by the next release key"


@pytest.mark.parametrize("harm", ["removed", "shortened"])
def test_place__that_a_killed_run_left_in_part_is_made_whole(bundle: Path, tmp_path: Path, harm: str) -> None:
    graph = local_path(packaged(bundle, tmp_path / "packages")) / "model.onnx"
    graph.unlink() if harm == "removed" else graph.write_bytes(graph.read_bytes()[:-1])
    packaged(bundle, tmp_path / "packages")
    Bundle(graph.parent).verify()


def test_s3__has_the_bundle_as_a_server_fetches_it(bundle: Path, tmp_path: Path, s3: S3Server) -> None:
    packages = s3.new_place()
    uri = packaged(bundle, packages)
    download_folder(uri, tmp_path / "fetched")
    assert read_manifest(tmp_path / "fetched").manifest_sha256 == read_manifest(bundle).manifest_sha256
    Bundle(tmp_path / "fetched").verify()
    assert packaged(bundle, packages) == uri


def test_empty_file__is_refused_since_kserve_skips_it(bundle: Path, tmp_path: Path) -> None:
    (bundle / "notes.txt").touch()
    write_manifest(read_manifest(bundle), bundle)
    with pytest.raises(BundleError, match=r"notes\.txt of bundle 0-placeholder is empty: servers would not fetch it"):
        packaged(bundle, tmp_path / "packages")
    assert not (tmp_path / "packages").exists()


def test_bundle__that_is_not_what_was_exported_is_not_packaged(bundle: Path, tmp_path: Path) -> None:
    shutil.copyfile(bundle / "parity.npz", bundle / "model.onnx")
    with pytest.raises(BundleError):
        packaged(bundle, tmp_path / "packages")
    assert not (tmp_path / "packages").exists()
