import shutil
from pathlib import Path

import pytest

import components
from pipelines.local.identity import code_digest, environment_digest, local_image, run_identity


def test_code__has_another_digest_when_a_file_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(Path(components.__file__).parent, tmp_path / "components")
    before = code_digest()
    monkeypatch.setattr(components, "__file__", str(tmp_path / "components" / "__init__.py"))
    assert code_digest() == before
    (tmp_path / "components" / "split" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "components" / "split" / "__pycache__" / "a.pyc").touch()
    assert code_digest() == before
    with (tmp_path / "components" / "split" / "component.py").open("a") as file:
        file.write("# another thought\n")
    assert code_digest() != before


def test_environment__has_another_digest_with_another_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, image = environment_digest(), local_image()
    (tmp_path / "some_library-1.2.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert environment_digest() != before
    assert local_image() != image


def test_run__is_another_with_another_image_or_where_manifests_may_name_other_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = run_identity("image")
    assert run_identity("image") == before
    assert run_identity("other image") != before
    # Recordings that a manifest may no longer name are not taken from an earlier start.
    monkeypatch.setenv("SILENCIO_MANIFEST_PLACES", "s3://birds")
    assert run_identity("image") != before


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_URI", "SILENCIO_EXPERIMENT", "SILENCIO_S3_ENDPOINT"])
def test_run__is_the_same_with_other_servers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A server that moved makes no recording and no model another one.
    before = run_identity("image")
    monkeypatch.setenv(name, "http://127.0.0.1:5000")
    assert run_identity("image") == before
