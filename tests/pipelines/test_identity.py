import shutil
from pathlib import Path

import pytest

import components
from pipelines.identity import code_digest, environment_digest, local_image, run_identity
from silencio.config import preset_text, resolve


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


def test_run__is_another_with_other_weights_another_tracking_server_or_other_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"some")
    config = resolve(preset_text("demo"), overrides=[f"heads.effnet_lora.weights={weights}"])
    before = run_identity("image", config)
    assert run_identity("image", config) == before
    assert run_identity("other image", config) != before
    weights.write_bytes(b"others")
    assert (changed := run_identity("image", config)) != before
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert (tracked := run_identity("image", config)) != changed
    # Recordings that a manifest may no longer name are not taken from an earlier start.
    monkeypatch.setenv("SILENCIO_MANIFEST_PLACES", "s3://birds")
    assert run_identity("image", config) != tracked
