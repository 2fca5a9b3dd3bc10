"""Kaggle's layout to the table of recordings and the class list."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from silencio.data.birdclef import Source, read_birdclef
from silencio.data.recordings import COLUMNS, notes
from silencio.data.validate import validate_recordings
from silencio.errors import SchemaError, SourceError


def _row(source: Source, recording_id: str) -> pd.Series:
    return source.recordings.set_index("recording_id").loc[recording_id]


def _change_line(path: Path, number: int, old: str, new: str) -> None:
    lines = path.read_text().splitlines()
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new)
    path.write_text("\n".join(lines) + "\n")


def test_recordings__one_row_a_file_sorted_by_id(source: Source) -> None:
    ids = list(source.recordings["recording_id"])
    assert tuple(source.recordings.columns) == COLUMNS
    assert ids == sorted(set(ids))
    assert len(ids) == 19
    assert list(source.recordings.index) == list(range(19))


def test_recordings__the_id_is_the_path_inside_the_source(source: Source, birdclef_folder: Path) -> None:
    for row in source.recordings.itertuples():
        assert Path(row.path) == birdclef_folder.resolve() / "train_audio" / row.recording_id
        assert Path(row.path).is_file()


def test_recordings__ids_are_the_same_in_another_folder(source: Source, own_folder: Path) -> None:
    moved = read_birdclef(own_folder)
    columns = [name for name in COLUMNS if name != "path"]
    pd.testing.assert_frame_equal(moved.recordings[columns], source.recordings[columns])


def test_recordings__a_relative_folder_gives_absolute_paths(
    birdclef_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(birdclef_folder.parent)
    assert all(Path(path).is_absolute() for path in read_birdclef(Path(birdclef_folder.name)).recordings["path"])


def test_labels__numeric_codes_and_leading_zeros_stay_text(source: Source) -> None:
    assert set(source.recordings["primary_label"]) == {"grekis", "bobfly1", "1139490", "0126247", "41970"}


def test_secondary_labels__are_lists_of_codes(source: Source) -> None:
    assert _row(source, "grekis/XC0.ogg")["secondary_labels"] == ["1139490", "bobfly1"]
    assert _row(source, "1139490/XC2.ogg")["secondary_labels"] == ["0126247"]
    assert _row(source, "grekis/XC1.ogg")["secondary_labels"] == []


def test_secondary_labels__one_empty_label_is_none(source: Source) -> None:
    assert _row(source, "grekis/XC2.wav")["secondary_labels"] == []


def test_unknown_secondary_labels__are_counted(source: Source) -> None:
    assert source.unknown_secondary_labels == {"yebela1": 2}


def test_classes__are_the_species_with_recordings(source: Source) -> None:
    assert source.classes.codes == ("0126247", "1139490", "41970", "bobfly1", "grekis")


def test_classes__have_the_names_of_the_taxonomy(source: Source) -> None:
    jaguar = source.classes[source.classes.index["41970"]]
    assert (jaguar.scientific_name, jaguar.common_name, jaguar.class_name) == ("Panthera onca", "Jaguar", "Mammalia")


def test_coordinates__are_numbers_or_nothing(source: Source) -> None:
    here, nowhere = _row(source, "grekis/XC3.flac"), _row(source, "grekis/XC1.ogg")
    assert (here["latitude"], here["longitude"]) == (7.5, -75.5)
    assert np.isnan(nowhere["latitude"])
    assert np.isnan(nowhere["longitude"])


def test_author_license_url__are_kept(source: Source) -> None:
    row = _row(source, "bobfly1/XC1.wav")
    assert (row["author"], row["license"], row["url"]) == ("author 1", "cc-by-sa 4.0", "https://xeno-canto.org/1")


def test_optional_columns__may_be_missing(own_folder: Path) -> None:
    table = pd.read_csv(own_folder / "train.csv", dtype=str, na_filter=False)
    table[["filename", "primary_label", "secondary_labels"]].to_csv(own_folder / "train.csv", index=False)
    recordings = read_birdclef(own_folder).recordings
    assert tuple(recordings.columns) == COLUMNS
    assert set(recordings["license"]) == {""}
    assert recordings["latitude"].isna().all()


def test_recordings__need_not_exist_yet(own_folder: Path) -> None:
    # Whether a file can be used is `validate`'s question, which answers for each by name.
    shutil.rmtree(own_folder / "train_audio")
    assert len(read_birdclef(own_folder).recordings) == 19


def test_read_birdclef__no_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere is not a folder: --data takes a folder"):
        read_birdclef(tmp_path / "nowhere")


def test_read_birdclef__a_file_instead_of_a_folder(birdclef_folder: Path) -> None:
    with pytest.raises(SourceError, match=r"train\.csv is not a folder"):
        read_birdclef(birdclef_folder / "train.csv")


@pytest.mark.parametrize("name", ["train.csv", "taxonomy.csv"])
def test_read_birdclef__a_table_is_missing(own_folder: Path, name: str) -> None:
    (own_folder / name).unlink()
    with pytest.raises(SchemaError, match=f"{name} does not exist"):
        read_birdclef(own_folder)


def test_read_birdclef__a_label_that_the_taxonomy_does_not_have_is_left_out_by_name(own_folder: Path) -> None:
    lines = (own_folder / "train.csv").read_text().splitlines()
    number = next(i for i, line in enumerate(lines, 1) if line.startswith("41970"))
    name = next(cell for cell in lines[number - 1].split(",") if cell.startswith("41970/"))
    _change_line(own_folder / "train.csv", number, "41970,", "41971,")
    source = read_birdclef(own_folder)
    assert len(source.recordings) == 18
    assert name not in set(source.recordings["recording_id"])
    assert source.faults.to_dict("records")[0] == {
        "recording_id": name,
        "kind": "unknown_label",
        "detail": "label '41971' is not in the taxonomy",
        "left_out": True,
    }


def test_read_birdclef__a_leading_zero_that_one_table_lost_costs_each_of_its_recordings(own_folder: Path) -> None:
    text = (own_folder / "taxonomy.csv").read_text()
    (own_folder / "taxonomy.csv").write_text(text.replace("0126247", "126247"))
    source = read_birdclef(own_folder)
    unknown = source.faults[source.faults["kind"] == "unknown_label"]
    assert set(unknown["detail"]) == {"label '0126247' is not in the taxonomy"}
    assert len(unknown) == 3
    assert "0126247" not in source.classes.codes


def test_read_birdclef__another_reserves_taxonomy_stops(own_folder: Path) -> None:
    (own_folder / "taxonomy.csv").write_text("primary_label,scientific_name,common_name,class_name\na,b,c,Aves\n")
    with pytest.raises(SchemaError, match="not one of 19 labels is in the taxonomy, the first is "):
        read_birdclef(own_folder)


def test_faults__name_the_species_without_recordings(source: Source) -> None:
    assert source.faults.to_dict("records") == [
        {"recording_id": "", "kind": "no_recordings", "detail": "yebela1 (Elaenia flavogaster)", "left_out": False}
    ]


def test_site_and_time__are_those_of_the_table_then_of_the_name(own_folder: Path) -> None:
    table = pd.read_csv(own_folder / "train.csv", dtype=str, na_filter=False)
    named = table["filename"] == "grekis/XC0.ogg"
    table["site"] = np.where(named, "north ridge", "")
    table.loc[table["filename"] == "grekis/XC1.ogg", "filename"] = "grekis/H02_20230420_074000.ogg"
    table.to_csv(own_folder / "train.csv", index=False)
    source = read_birdclef(own_folder)
    row = _row(source, "grekis/H02_20230420_074000.ogg")
    assert (row["site"], row["recorded_at"]) == ("H02", "2023-04-20T07:40:00")
    assert (_row(source, "grekis/XC0.ogg")["site"], _row(source, "grekis/XC0.ogg")["recorded_at"]) == (
        "north ridge",
        "",
    )


def test_soundscapes__are_the_recordings_of_their_folder(source: Source, own_folder: Path) -> None:
    assert source.soundscapes == []
    folder = own_folder / "train_soundscapes"
    folder.mkdir()
    for name in ("H02_20230420_074000.ogg", "A01_20230420_074000.ogg", "readme.txt", "._A01_20230420_074000.ogg"):
        (folder / name).write_bytes(b"")
    names = [Path(uri).name for uri in read_birdclef(own_folder).soundscapes]
    assert names == ["A01_20230420_074000.ogg", "H02_20230420_074000.ogg"]


def test_read_birdclef__no_recordings(own_folder: Path) -> None:
    header = (own_folder / "train.csv").read_text().splitlines()[0]
    (own_folder / "train.csv").write_text(header + "\n")
    with pytest.raises(SchemaError, match=r"train\.csv lists no recordings"):
        read_birdclef(own_folder)


def test_read_birdclef__a_path_out_of_the_folder_is_refused(own_folder: Path) -> None:
    _change_line(own_folder / "train.csv", 4, "/XC", "/../../../XC")
    with pytest.raises(SchemaError, match=r"column 'filename', row 4: .* must be a path inside train_audio"):
        read_birdclef(own_folder)


# Names in other forms


def _with_name(folder: Path, named: str) -> Source:
    """The source whose table calls `grekis/XC0.ogg` so."""
    table = (folder / "train.csv").read_text()
    assert "grekis/XC0.ogg" in table
    (folder / "train.csv").write_text(table.replace("grekis/XC0.ogg", named))
    return read_birdclef(folder)


@pytest.mark.parametrize(
    ("named", "recording_id", "is_described"),
    [
        (r"grekis\XC0.ogg", "grekis/XC0.ogg", False),
        ("grekis/XC0.OGG", "grekis/XC0.OGG", True),
        ("Grekis/xc0.ogg", "Grekis/xc0.ogg", True),
    ],
)
def test_recordings__are_found_under_another_form_of_their_name(
    own_folder: Path, named: str, recording_id: str, is_described: bool
) -> None:
    source = _with_name(own_folder, named)
    assert Path(_row(source, recording_id)["path"]) == own_folder.resolve() / "train_audio/grekis/XC0.ogg"
    described = source.faults[source.faults["kind"] == "other_form"]
    assert list(described["recording_id"]) == ([recording_id] if is_described else [])
    assert list(described["detail"]) == (
        [f"the table has {recording_id}, the file grekis/XC0.ogg"] if is_described else []
    )


def test_recordings__with_accents_that_macos_took_apart_are_found(own_folder: Path) -> None:
    folder = own_folder / "train_audio/grekis"
    (folder / "XC0.ogg").rename(folder / unicodedata.normalize("NFD", "canción.ogg"))
    source = _with_name(own_folder, "grekis/canción.ogg")
    outcome = validate_recordings(source.recordings, known=source.faults)
    assert "grekis/canción.ogg" in set(outcome.usable["recording_id"])
    (described,) = outcome.faults.loc[outcome.faults["kind"] == "other_form", "detail"]
    # Both look the same on paper.
    assert described == r"the table has grekis/canci\xf3n.ogg, the file grekis/cancio\u0301n.ogg"


def test_recordings__one_file_under_two_names_is_listed_before(own_folder: Path) -> None:
    with pytest.raises(SchemaError, match=r"column 'filename', row \d+: 'grekis.*' is listed before"):
        text = (own_folder / "train.csv").read_text()
        row = next(line for line in text.splitlines() if "grekis/XC0.ogg" in line)
        (own_folder / "train.csv").write_text(text + row.replace("grekis/XC0", r"grekis\XC0") + "\n")
        read_birdclef(own_folder)


def test_labels__in_another_case_or_with_other_white_space_are_the_taxonomys(own_folder: Path) -> None:
    text = (own_folder / "train.csv").read_text()
    (own_folder / "train.csv").write_text(
        text.replace("\ngrekis,", "\n Grekis\u00a0,").replace("'bobfly1'", "' BOBFLY1'")
    )
    source = read_birdclef(own_folder)
    assert "unknown_label" not in set(source.faults["kind"])
    assert set(source.recordings["primary_label"]) == {"grekis", "bobfly1", "1139490", "0126247", "41970"}
    assert _row(source, "grekis/XC0.ogg")["secondary_labels"] == ["1139490", "bobfly1"]


def test_labels__that_differ_in_case_alone_in_the_taxonomy_are_not_guessed(own_folder: Path) -> None:
    taxonomy = (own_folder / "taxonomy.csv").read_text()
    (own_folder / "taxonomy.csv").write_text(taxonomy + "GREKIS,1,Other,Other,Aves\n")
    text = (own_folder / "train.csv").read_text()
    (own_folder / "train.csv").write_text(text.replace("\ngrekis,", "\nGrekis,"))
    unknown = read_birdclef(own_folder).faults
    assert set(unknown.loc[unknown["kind"] == "unknown_label", "detail"]) == {"label 'Grekis' is not in the taxonomy"}


# What is said aloud


def test_notes__say_how_many_recordings_have_no_time_and_no_site(own_folder: Path) -> None:
    table = pd.read_csv(own_folder / "train.csv", dtype=str, na_filter=False)
    table["site"] = "north ridge"
    table["recorded_at"] = np.where(table["primary_label"] == "grekis", "", "2023-04-20T07:40:00")
    table.to_csv(own_folder / "train.csv", index=False)
    n_grekis = int((table["primary_label"] == "grekis").sum())
    unknown, time = notes(read_birdclef(own_folder))
    assert unknown == "secondary labels of which there is no recording, and so no output of a model: yebela1 (2)"
    assert time.startswith(f"{n_grekis} of 19 recordings have no time, neither in a table nor by a recorder's name")


def test_notes__say_of_how_many_the_local_hour_is_not_known(own_folder: Path) -> None:
    table = pd.read_csv(own_folder / "train.csv", dtype=str, na_filter=False)
    table["recorded_at"], table["site"] = "2023-04-20T22:40:00Z", "north ridge"
    table.to_csv(own_folder / "train.csv", index=False)
    n_nowhere = int((table["latitude"] == "").sum())
    assert 0 < n_nowhere < 19
    assert notes(read_birdclef(own_folder))[1].startswith(
        f"{n_nowhere} of 19 recordings have a time in UTC and no coordinates, so that their local hour is not known"
    )


def test_soundscapes__in_a_bin_are_none(own_folder: Path) -> None:
    for name in ("@eaDir/H02_20230420_074000.ogg", "$RECYCLE.BIN/a.opus", "night/b.opus"):
        path = own_folder / "train_soundscapes" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    assert [Path(uri).name for uri in read_birdclef(own_folder).soundscapes] == ["b.opus"]
