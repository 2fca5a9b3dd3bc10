"""ingest: from a source's name to a table of recordings."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from silencio.data.birdclef import Source
from silencio.data.frames import read_frame
from silencio.data.recordings import read_class_list, read_known_faults, read_recordings
from silencio.errors import SilencioError, SourceError
from silencio.steps.ingest import Inputs, Outputs, run


def _ingest(data: Path, folder: Path, min_recordings: int = 1) -> dict[str, float]:
    outputs = Outputs(folder / "recordings", folder / "classes", folder / "soundscapes")
    return run(Inputs(str(data), min_recordings), outputs)


def test_ingest__writes_recordings_and_classes(birdclef_folder: Path, source: Source, tmp_path: Path) -> None:
    _ingest(birdclef_folder, tmp_path)
    pd.testing.assert_frame_equal(read_recordings(tmp_path / "recordings"), source.recordings)
    assert read_class_list(tmp_path / "classes") == source.classes


def test_ingest__counts_what_there_is(birdclef_folder: Path, tmp_path: Path) -> None:
    assert _ingest(birdclef_folder, tmp_path) == {
        "recordings": 19,
        "species": 5,
        "soundscapes": 0,
        "labels_not_in_taxonomy": 0,
        "species_without_recordings": 1,
        "secondary_labels_without_class": 2,
        "without_time": 19,
        "without_site": 19,
    }


def test_ingest__of_nowhere_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        _ingest(tmp_path / "nowhere", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_ingest__of_a_broken_table_writes_nothing(own_folder: Path, tmp_path: Path) -> None:
    (own_folder / "train.csv").write_text("")
    with pytest.raises(SilencioError, match=r"train\.csv"):
        _ingest(own_folder, tmp_path)
    assert not (tmp_path / "recordings").exists()
    assert not (tmp_path / "classes").exists()


def test_ingest__writes_the_soundscapes(own_folder: Path, tmp_path: Path) -> None:
    folder = own_folder / "train_soundscapes"
    folder.mkdir()
    for name in ("H02_20230420_074000.ogg", "noise.ogg"):
        (folder / name).write_bytes(b"")
    (tmp_path / "out").mkdir()
    counts = _ingest(own_folder, tmp_path / "out")
    assert counts["soundscapes"] == 2
    assert read_frame(tmp_path / "out" / "soundscapes").to_dict("records") == [
        {
            "path": str(folder.resolve() / "H02_20230420_074000.ogg"),
            "site": "H02",
            "recorded_at": "2023-04-20T07:40:00",
        },
        {"path": str(folder.resolve() / "noise.ogg"), "site": "", "recorded_at": ""},
    ]


def test_ingest__without_soundscapes_writes_an_empty_table(birdclef_folder: Path, tmp_path: Path) -> None:
    _ingest(birdclef_folder, tmp_path)
    table = read_frame(tmp_path / "soundscapes")
    assert list(table.columns) == ["path", "site", "recorded_at"]
    assert table.empty


def test_ingest__hands_on_what_the_tables_say_against_themselves(own_folder: Path, tmp_path: Path) -> None:
    table = (own_folder / "train.csv").read_text().replace("\nbobfly1,", "\nbobfly9,", 1)
    (own_folder / "train.csv").write_text(table)
    counts = _ingest(own_folder, tmp_path)
    assert (counts["recordings"], counts["labels_not_in_taxonomy"]) == (18, 1)
    known = read_known_faults(tmp_path / "recordings")
    assert list(known["kind"]) == ["unknown_label", "no_recordings"]
    assert known["recording_id"][0].startswith("bobfly1/")


def test_ingest__prints_what_it_took_the_source_for_and_what_it_does_not_know(
    birdclef_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _ingest(birdclef_folder, tmp_path)
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == f"{birdclef_folder} was taken as BirdCLEF's layout in {birdclef_folder.resolve()}"
    assert rest == [
        "secondary labels of which there is no recording, and so no output of a model: yebela1 (2)",
        "19 of 19 recordings have no time, neither in a table nor by a recorder's name (such as 0126247/XC0.wav): no "
        "night slice holds them",
        "19 of 19 recordings have no site, neither in a table nor by a recorder's name (such as 0126247/XC0.wav): no "
        "slice or group by site holds them",
    ]


def test_ingest__labels_below_min_recordings_are_left_out_and_named(
    birdclef_folder: Path, source: Source, tmp_path: Path
) -> None:
    counts = source.recordings["primary_label"].value_counts()
    max_count = int(counts.max())
    _ingest(birdclef_folder, tmp_path, min_recordings=max_count)
    often = sorted(counts.index[counts == max_count])
    assert 0 < len(often) < len(counts)
    assert list(read_class_list(tmp_path / "classes").codes) == often
    assert set(read_recordings(tmp_path / "recordings")["primary_label"]) == set(often)
    assert "rare_label" in set(read_known_faults(tmp_path / "recordings")["kind"])
