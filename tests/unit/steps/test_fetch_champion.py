"""fetch_champion: what candidates are compared with is there before any work, and later steps need no server."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from kfp import dsl

from components.fetch_champion import fetch_champion
from silencio.bundle import Bundle
from silencio.errors import BundleError, RegistryError, StorageError
from silencio.network import free_ports
from silencio.registry.models import promote
from silencio.registry.runs import open_run
from silencio.steps import register
from silencio.steps.evaluate import champion_scores
from silencio.steps.fetch_champion import Inputs, Outputs, run
from silencio.storage import upload_folder, write_bytes
from silencio.taxonomy import ClassList
from tests.s3 import running_s3
from tests.unit.registry.places import CONFIG, fresh_database, register_inputs, write_bundle


@pytest.fixture
def tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", fresh_database(tmp_path / "tracking"))
    return tmp_path / "tracking"


def _fetch(champion: str, folder: Path) -> str:
    return run(Inputs(champion), Outputs(folder))


def _promoted(bundle: Path, folder: Path) -> None:
    inputs = register.Inputs(open_run("train", "abc", "local", ""), CONFIG, **register_inputs(folder, bundle))
    version = register.run(inputs, register.Outputs(folder / "r"))
    promote(int(version), without_release="the first one")


def test_fetch_champion__of_the_registry_is_a_bundle_that_needs_no_server(
    tracking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    _promoted(bundle, tmp_path / "inputs")
    version = _fetch("registry", tmp_path / "champion")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_ports(1)[0]}")
    manifest = Bundle(tmp_path / "champion").manifest
    assert version == f"b1 {manifest.manifest_sha256[:12]}"
    assert (tmp_path / "champion" / "bundle.json").read_bytes() == (bundle / "bundle.json").read_bytes()


def test_fetch_champion__of_another_server_with_the_same_number_is_another(
    tracking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = []
    for number, macro_map in enumerate((0.8, 0.7)):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", fresh_database(tmp_path / f"server-{number}"))
        _promoted(write_bundle(tmp_path / f"bundle-{number}", macro_map=macro_map), tmp_path / f"inputs-{number}")
        versions.append(_fetch("registry", tmp_path / f"champion-{number}"))
    assert versions[0] != versions[1]


@pytest.mark.parametrize("champion", ["registry", "none", ""])
def test_fetch_champion__where_there_is_none_nothing_is_compared(champion: str, tracking: Path, tmp_path: Path) -> None:
    assert _fetch(champion, tmp_path / "champion") == ""
    # Something lies there: a store of objects keeps no empty folder.
    assert [path.name for path in (tmp_path / "champion").iterdir()] == ["no-champion.txt"]
    table, classes = pd.DataFrame(), ClassList.model_construct()
    assert champion_scores(tmp_path / "champion", table, classes) is None


@pytest.mark.parametrize("champion", ["none", "FOLDER"])
def test_fetch_champion__that_is_named_asks_nobody(
    champion: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_ports(1)[0]}")
    bundle = write_bundle(tmp_path / "bundle")
    named = str(bundle) if champion == "FOLDER" else champion
    version = fetch_champion.python_func(named, bundle=dsl.Model(uri=str(tmp_path / "champion")))
    assert bool(version) == (champion == "FOLDER")


def test_fetch_champion__a_folder_that_was_replaced_is_another_champion(tmp_path: Path) -> None:
    place = write_bundle(tmp_path / "bundle", macro_map=0.8)
    first = _fetch(str(place), tmp_path / "one")
    assert _fetch(str(place), tmp_path / "same") == first
    shutil.rmtree(place)
    write_bundle(place, macro_map=0.7)
    assert _fetch(str(place), tmp_path / "two") != first


def test_fetch_champion__that_cannot_be_had_names_what_else_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(RegistryError, match="does not answer") as caught:
        _fetch("registry", tmp_path / "champion")
    assert "(--champion FOLDER)" in str(caught.value) and "(--champion none)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fetch_champion__that_the_store_no_longer_holds_as_it_was_is_refused_before_any_work(
    tracking: Path, tmp_path: Path
) -> None:
    _promoted(write_bundle(tmp_path / "bundle"), tmp_path / "inputs")
    (card,) = tracking.rglob("artifacts/bundle/MODEL_CARD.md")
    card.write_text("better")
    with pytest.raises(RegistryError, match=r"MODEL_CARD\.md was changed.*--champion none"):
        _fetch("registry", tmp_path / "champion")


def test_fetch_champion__a_folder_without_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleError, match="empty"):
        _fetch(str(tmp_path / "empty"), tmp_path / "champion")


def test_fetch_champion__may_lie_in_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = running_s3().use(monkeypatch).new_place()
    with pytest.raises(StorageError, match=f"^{place} holds no files"):
        _fetch(place, tmp_path / "nothing")
    bundle = write_bundle(tmp_path / "bundle")
    upload_folder(bundle, place)
    versions = _fetch(place, tmp_path / "champion")
    assert versions == _fetch(str(bundle), tmp_path / "copied")
    assert (tmp_path / "champion" / "bundle.json").read_bytes() == (bundle / "bundle.json").read_bytes()
    write_bytes(f"{place}/bundle.json", b"{}")
    with pytest.raises(BundleError, match=f"^{place} holds no bundle"):
        _fetch(place, tmp_path / "broken")
