"""The exact data set of a bundle, found again or shown to have changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from silencio.data.birdclef import Source, read_birdclef
from silencio.data.recordings import data_fingerprint, read_recordings, write_table
from silencio.data.source import open_source
from silencio.data.split import Split
from silencio.data.validate import ValidatedRecordings, validate_recordings
from silencio.data.versions import CHANGES, compare, data_table, restore
from silencio.errors import DataError, StorageError
from tests.unit.data.conftest import LayOut

Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def table(validated: ValidatedRecordings, drawn: Split) -> pd.DataFrame:
    return data_table(validated.usable, drawn.assignment)


def _changes(table: pd.DataFrame, root: Path | str) -> list[tuple[str, str]]:
    found = compare(table, open_source(str(root)))
    assert set(found["change"]) <= set(CHANGES)
    return [(row.change, row.recording_id) for row in found.itertuples()]


def _audio(root: Path, name: str) -> Path:
    return root / "train_audio" / name


def _replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


# The table


def test_data_table__has_every_recording_with_its_part(
    table: pd.DataFrame, validated: ValidatedRecordings, drawn: Split
) -> None:
    assert list(table["recording_id"]) == list(validated.usable["recording_id"])
    assert dict(zip(table["recording_id"], table["split"], strict=True)) == dict(
        zip(drawn.assignment["recording_id"], drawn.assignment["split"], strict=True)
    )
    columns = {"path", "sha256", "size_bytes", "duration_s", "primary_label", "secondary_labels", "split", "group_id"}
    assert columns <= set(table.columns)


def test_data_table__has_the_fingerprint_of_its_data(
    table: pd.DataFrame, validated: ValidatedRecordings, tmp_path: Path
) -> None:
    write_table(table, tmp_path / "data.parquet")
    assert data_fingerprint(read_recordings(tmp_path / "data.parquet")) == data_fingerprint(validated.usable)


# What changed


def test_compare__the_same_data_in_any_place_has_not_changed(
    table: pd.DataFrame, birdclef_folder: Path, laid_out: LayOut
) -> None:
    assert _changes(table, laid_out(birdclef_folder)) == []


def test_compare__what_was_left_out_then_and_now_is_no_change(own_folder: Path) -> None:
    for name, content in (("grekis/XC0.ogg", b""), ("grekis/XC1.ogg", b"<html>")):
        _audio(own_folder, name).write_bytes(content)
    usable = validate_recordings(read_birdclef(own_folder).recordings).usable
    assert len(usable) == 17
    then = data_table(usable, usable.assign(split="train", group_id="x"))
    assert _changes(then, own_folder) == []


def test_compare__names_each_change(table: pd.DataFrame, own_folder: Path, encode: Encode) -> None:
    _audio(own_folder, "grekis/XC0.ogg").unlink()
    with _audio(own_folder, "grekis/XC2.wav").open("ab") as file:
        file.write(b"x")
    _audio(own_folder, "bobfly1/XC0.ogg").rename(_audio(own_folder, "bobfly1/renamed.ogg"))
    _replace_in(own_folder / "train.csv", "bobfly1/XC0.ogg", "bobfly1/renamed.ogg")
    sound = encode(np.random.default_rng(0).standard_normal(32000).astype(np.float32) / 10, 32000, "OGG")
    _audio(own_folder, "41970/new.ogg").write_bytes(sound)
    lines = (own_folder / "train.csv").read_text().splitlines()
    row = next(line for line in lines if "41970/XC0.ogg" in line)
    lines.append(row.replace("41970/XC0.ogg", "41970/new.ogg"))
    lines[lines.index(row)] = row.replace("41970,", "grekis,", 1)
    (own_folder / "train.csv").write_text("\n".join(lines) + "\n")

    assert _changes(table, own_folder) == [
        ("missing", "grekis/XC0.ogg"),
        ("changed", "grekis/XC2.wav"),
        ("renamed", "bobfly1/XC0.ogg"),
        ("relabelled", "41970/XC0.ogg"),
        ("new", "41970/new.ogg"),
    ]
    details = dict(compare(table, read_birdclef(own_folder))[["change", "detail"]].to_numpy().tolist())
    assert details["renamed"] == "now bobfly1/renamed.ogg"
    assert details["relabelled"] == "was '41970' with [], now 'grekis' with []"
    assert details["new"] == "1.0 s, labelled '41970'"


def test_compare__other_secondary_labels_are_other_labels_and_their_order_is_not(
    table: pd.DataFrame, own_folder: Path
) -> None:
    _replace_in(own_folder / "train.csv", "['1139490', 'bobfly1']", "['bobfly1', '1139490']")
    assert _changes(table, own_folder) == []
    _replace_in(own_folder / "train.csv", "['bobfly1', '1139490']", "['bobfly1']")
    assert _changes(table, own_folder) == [("relabelled", "grekis/XC0.ogg")]


def test_compare__two_files_that_changed_names_are_both_named(table: pd.DataFrame, own_folder: Path) -> None:
    one, other = _audio(own_folder, "grekis/XC0.ogg"), _audio(own_folder, "grekis/XC1.ogg")
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    found = compare(table, read_birdclef(own_folder))
    assert list(found["change"]) == ["changed", "changed"]
    assert "the former bytes are grekis/XC1.ogg" in found["detail"][0]


def test_compare__a_label_that_left_the_taxonomy_is_a_change(table: pd.DataFrame, own_folder: Path) -> None:
    rows = (own_folder / "taxonomy.csv").read_text().splitlines()
    (own_folder / "taxonomy.csv").write_text("\n".join(row for row in rows if not row.startswith("41970")) + "\n")
    assert {change for change, _ in _changes(table, own_folder)} == {"relabelled"}
    assert len(_changes(table, own_folder)) == 3


def test_compare__a_new_recording_that_cannot_be_used_is_no_change(table: pd.DataFrame, own_folder: Path) -> None:
    _audio(own_folder, "41970/new.ogg").write_bytes(b"<html>")
    text = (own_folder / "train.csv").read_text()
    row = next(line for line in text.splitlines() if "41970/XC0.ogg" in line)
    (own_folder / "train.csv").write_text(text + row.replace("41970/XC0.ogg", "41970/new.ogg") + "\n")
    assert _changes(table, own_folder) == []


# The exact data set again


def _assert_restored(out: Path, table: pd.DataFrame, source: Source) -> None:
    again = read_birdclef(out)
    outcome = validate_recordings(again.recordings)
    assert data_fingerprint(outcome.usable) == data_fingerprint(table)
    assert again.classes == source.classes
    columns = [name for name in source.recordings.columns if name != "path"]
    pd.testing.assert_frame_equal(again.recordings[columns], source.recordings[columns])


def test_restore__from_any_place_is_the_exact_data_set(
    table: pd.DataFrame, source: Source, birdclef_folder: Path, laid_out: LayOut, tmp_path: Path
) -> None:
    restore(table, source.classes, laid_out(birdclef_folder), tmp_path / "restored")
    _assert_restored(tmp_path / "restored", table, source)


def test_restore__finds_recordings_under_other_names_and_labels(
    table: pd.DataFrame, source: Source, birdclef_folder: Path, tmp_path: Path
) -> None:
    pile = tmp_path / "pile" / "all" / "mixed"
    pile.mkdir(parents=True)
    for number, path in enumerate(sorted(birdclef_folder.glob("train_audio/*/*"))):
        shutil.copy(path, pile / f"{number}.ogg")
    restore(table, source.classes, str(tmp_path / "pile"), tmp_path / "restored")
    _assert_restored(tmp_path / "restored", table, source)


def test_restore__a_decoy_under_the_right_name_is_not_taken(
    table: pd.DataFrame, source: Source, own_folder: Path, tmp_path: Path
) -> None:
    path = _audio(own_folder, "grekis/XC2.wav")
    path.rename(path.with_name("moved.wav"))
    path.write_bytes(path.with_name("moved.wav").read_bytes()[::-1])  # the same size too
    restore(table, source.classes, str(own_folder), tmp_path / "restored")
    _assert_restored(tmp_path / "restored", table, source)


def test_restore__from_the_paths_of_a_manifest(
    table: pd.DataFrame, source: Source, birdclef_folder: Path, tmp_path: Path
) -> None:
    rows = "".join(f"{path},x\n" for path in birdclef_folder.glob("train_audio/*/*"))
    (tmp_path / "mine.csv").write_text(f"path,primary_label\n{rows}")
    restore(table, source.classes, str(tmp_path / "mine.csv"), tmp_path / "restored")
    _assert_restored(tmp_path / "restored", table, source)


def test_restore__all_or_nothing(table: pd.DataFrame, source: Source, own_folder: Path, tmp_path: Path) -> None:
    _audio(own_folder, "grekis/XC0.ogg").unlink()
    _audio(own_folder, "grekis/XC1.ogg").write_bytes(b"changed")
    with pytest.raises(DataError) as caught:
        restore(table, source.classes, str(own_folder), tmp_path / "restored")
    assert str(caught.value) == (
        f"2 of 19 recordings are nowhere in {own_folder} with the bytes that they had (grekis/XC0.ogg, grekis/XC1.ogg):"
        " nothing was restored"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["reserve"]


def test_restore__leaves_one_bar_on_a_terminal_whatever_it_looked_at_besides(
    table: pd.DataFrame, source: Source, own_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Looking for lost recordings hashes files of their sizes: bars of their own, which lay over each other."""
    for name in table["recording_id"][:4]:
        content = _audio(own_folder, name).read_bytes()
        _audio(own_folder, name).write_bytes(content[::-1])  # of the same size
    with pytest.raises(DataError, match="4 of 19"):
        restore(table, source.classes, str(own_folder), tmp_path / "restored")
    printed = capsys.readouterr().err
    assert "hash" in printed
    up_a_line = "\x1b[A"
    assert printed.count("\n") - printed.count(up_a_line) == 1


def test_restore__never_into_a_folder_that_holds_something(
    table: pd.DataFrame, source: Source, birdclef_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(DataError, match="mine is not empty: name a new folder"):
        restore(table, source.classes, str(birdclef_folder), tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").exists()


@pytest.mark.parametrize("name", ["../evil.ogg", "/etc/evil.ogg", "a/../../evil.ogg"])
def test_restore__a_table_that_leads_out_is_refused(
    table: pd.DataFrame, source: Source, birdclef_folder: Path, tmp_path: Path, name: str
) -> None:
    evil = table.copy()
    evil.loc[0, "recording_id"] = name
    with pytest.raises(DataError, match="leads out of its folder"):
        restore(evil, source.classes, str(birdclef_folder), tmp_path / "restored")


def test_restore__onto_a_full_disk_leaves_nothing(
    table: pd.DataFrame, source: Source, birdclef_folder: Path, small_disk: Path
) -> None:
    with pytest.raises(StorageError, match=f"no space left on {small_disk} while writing {small_disk / 'restored'}"):
        restore(table, source.classes, str(birdclef_folder), small_disk / "restored")
    assert list(small_disk.iterdir()) == []
