"""ingest: from a source's name to a table of recordings."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import silencio.data.demo
from silencio.data.birdclef import Source
from silencio.data.recordings import read_class_list, read_recordings
from silencio.errors import SilencioError, SourceError
from silencio.steps.ingest import data_folder, ingest_source


def test_ingest_source__writes_recordings_and_classes(birdclef_folder: Path, source: Source, tmp_path: Path) -> None:
    ingest_source(str(birdclef_folder), str(tmp_path / "recordings"), str(tmp_path / "classes"))
    pd.testing.assert_frame_equal(read_recordings(tmp_path / "recordings"), source.recordings)
    assert read_class_list(tmp_path / "classes") == source.classes


def test_ingest_source__says_what_there_is(birdclef_folder: Path, tmp_path: Path) -> None:
    assert ingest_source(str(birdclef_folder), str(tmp_path / "recordings"), str(tmp_path / "classes")) == {
        "recordings": 19,
        "species": 5,
        "secondary_labels_without_class": 2,
    }


def test_ingest_source__of_nowhere_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        ingest_source(str(tmp_path / "nowhere"), str(tmp_path / "recordings"), str(tmp_path / "classes"))
    assert list(tmp_path.iterdir()) == []


def test_ingest_source__of_a_broken_table_writes_nothing(own_folder: Path, tmp_path: Path) -> None:
    (own_folder / "train.csv").write_text("")
    with pytest.raises(SilencioError, match=r"train\.csv"):
        ingest_source(str(own_folder), str(tmp_path / "recordings"), str(tmp_path / "classes"))
    assert not (tmp_path / "recordings").exists()
    assert not (tmp_path / "classes").exists()


def test_data_folder__is_the_path_that_was_given() -> None:
    assert data_folder("/data/birdclef-2025") == Path("/data/birdclef-2025")


def test_data_folder__demo_is_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fetched: list[Path] = []

    def fetch(directory: Path) -> Path:
        fetched.append(directory)
        return directory

    monkeypatch.setattr(silencio.data.demo, "default_demo_directory", lambda: tmp_path / "demo")
    monkeypatch.setattr(silencio.data.demo, "fetch_demo", fetch)
    assert data_folder("demo") == tmp_path / "demo"
    assert fetched == [tmp_path / "demo"]


def test_data_folder__a_folder_named_demo_is_reached_by_its_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(silencio.data.demo, "fetch_demo", lambda _: pytest.fail("nothing is to be fetched"))
    assert data_folder("./demo") == Path("demo")
