"""Recordings as int16 waveforms in flat files."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from silencio.data.birdclef import Source, read_birdclef
from silencio.data.frames import read_frame
from silencio.data.recordings import read_recordings, write_recordings
from silencio.data.shards import MAX_SHARDS, ShardSet, plan_shards, targets, write_shard
from silencio.data.source import open_source
from silencio.data.split import Split
from silencio.data.validate import ValidatedRecordings, validate_recordings
from silencio.errors import DataError, StorageError
from silencio.features import FeatureSpec, FrontEnd
from tests.s3 import S3Server

Folders = dict[str, list[Path]]


@pytest.fixture
def own_shard(shard_folders: Folders, tmp_path: Path) -> Path:
    """A shard that a test may break."""
    return Path(shutil.copytree(shard_folders["development"][0], tmp_path / "shard"))


# The plan

tables = st.lists(
    st.tuples(st.floats(0.01, 100.0), st.sampled_from(["train", "validation", "test"])), min_size=1, max_size=40
).map(
    lambda rows: pd.DataFrame(
        {
            "recording_id": [f"{number:03d}" for number in range(len(rows))],
            "duration_s": [duration_s for duration_s, _ in rows],
            "split": [split for _, split in rows],
        }
    )
)


@given(tables, st.floats(0.5, 500.0))
def test_plan_shards__every_recording_once_and_test_apart(table: pd.DataFrame, seconds_per_shard: float) -> None:
    shards = plan_shards(table[["recording_id", "duration_s"]], table[["recording_id", "split"]], seconds_per_shard)
    assert sorted(name for shard in shards for name in shard.recording_ids) == list(table["recording_id"])
    part_of = dict(zip(table["recording_id"], table["split"], strict=True))
    for shard in shards:
        assert shard.recording_ids
        assert {part_of[name] == "test" for name in shard.recording_ids} == {shard.split == "test"}


@given(tables, st.floats(0.5, 500.0))
def test_plan_shards__holds_about_so_much_sound(table: pd.DataFrame, seconds_per_shard: float) -> None:
    duration_s = table.set_index("recording_id")["duration_s"]
    shards = plan_shards(table[["recording_id", "duration_s"]], table[["recording_id", "split"]], seconds_per_shard)
    for shard in shards:
        # The last recording of a shard may run over, no other.
        assert duration_s[shard.recording_ids[:-1]].sum() <= seconds_per_shard + 1e-6
    for split in ("development", "test"):
        of_split = (table["split"] == "test").to_numpy() == (split == "test")
        total_s = duration_s[table.loc[of_split, "recording_id"]].sum()
        assert sum(shard.split == split for shard in shards) <= total_s // seconds_per_shard + 1


def test_plan_shards__are_no_more_than_a_step_can_be_told_of() -> None:
    # 1,000 hours in shards of ten minutes would be 6,000 names in one argument.
    recordings = pd.DataFrame({"recording_id": [f"{i:05d}" for i in range(6000)], "duration_s": 600.0})
    parts = recordings[["recording_id"]].assign(split=["test" if i % 5 == 0 else "train" for i in range(6000)])
    shards = plan_shards(recordings, parts, 600.0)
    for split, n_recordings in (("development", 80), ("test", 20)):
        sizes = [len(shard.recording_ids) for shard in shards if shard.split == split]
        assert sizes == [n_recordings] * MAX_SHARDS


@given(tables, st.randoms(use_true_random=False))
def test_plan_shards__the_order_of_rows_means_nothing(table: pd.DataFrame, random: object) -> None:
    order = list(range(len(table)))
    random.shuffle(order)  # type: ignore[attr-defined]  # hypothesis gives random.Random
    mixed = table.iloc[order]
    assert plan_shards(table[["recording_id", "duration_s"]], mixed[["recording_id", "split"]], 60.0) == plan_shards(
        mixed[["recording_id", "duration_s"]], table[["recording_id", "split"]], 60.0
    )


def test_plan_shards__of_the_reserve_has_several_of_both(validated: ValidatedRecordings, drawn: Split) -> None:
    parts = [shard.split for shard in plan_shards(validated.usable, drawn.assignment, 10.0)]
    assert parts == sorted(parts)
    assert parts.count("development") > 1
    assert parts.count("test") > 1


# Writing and reading


def test_shard_set__reads_all_shards_as_one(shard_folders: Folders, spec: FeatureSpec, drawn: Split) -> None:
    shards = ShardSet(shard_folders["development"], spec)
    expected = drawn.assignment[drawn.assignment["split"] != "test"]
    assert list(shards.table["recording_id"]) == list(expected["recording_id"])
    assert list(shards.table["split"]) == list(expected["split"])
    assert list(shards.table["primary_label"]) == list(expected["primary_label"])
    assert len(shards) == len(expected)


def test_shard_set__gives_what_the_front_end_hears(shard_folders: Folders, spec: FeatureSpec) -> None:
    front_end = FrontEnd(spec)
    for folders in shard_folders.values():
        shards = ShardSet(folders, spec)
        for index, waveform in enumerate(shards):
            assert waveform.dtype == np.int16
            np.testing.assert_array_equal(waveform, front_end.waveform(Path(shards.table["path"][index])))
            np.testing.assert_array_equal(waveform, shards.waveform(index))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_shard_set__keeps_one_part(shard_folders: Folders, spec: FeatureSpec, drawn: Split, split: str) -> None:
    folders = shard_folders["test" if split == "test" else "development"]
    shards = ShardSet(folders, spec, split)
    expected = drawn.assignment[drawn.assignment["split"] == split]
    assert list(shards.table["recording_id"]) == list(expected["recording_id"])
    front_end = FrontEnd(spec)
    for index, waveform in enumerate(shards):
        np.testing.assert_array_equal(waveform, front_end.waveform(Path(shards.table["path"][index])))


def test_shard_set__development_holds_no_test_recording(shard_folders: Folders, spec: FeatureSpec) -> None:
    assert len(ShardSet(shard_folders["development"], spec, "test")) == 0


def test_shard_set__the_order_of_folders_means_nothing(shard_folders: Folders, spec: FeatureSpec) -> None:
    folders = shard_folders["development"]
    one, other = ShardSet(folders, spec), ShardSet(reversed(folders), spec)
    pd.testing.assert_frame_equal(one.table, other.table)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_write_shard__twice_gives_the_same_files(
    validated: ValidatedRecordings, spec: FeatureSpec, tmp_path: Path
) -> None:
    some = validated.usable.head(3).assign(split="train")
    for name in ("a", "b"):
        write_shard(some, spec, tmp_path / name)
    for name in ("waveforms.i16", "shard.json", "recordings.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_write_shard__into_a_folder_that_was_written_before(
    validated: ValidatedRecordings, spec: FeatureSpec, own_shard: Path
) -> None:
    some = validated.usable.head(2).assign(split="train")
    write_shard(some, spec, own_shard)
    assert list(ShardSet([own_shard], spec).table["recording_id"]) == list(some["recording_id"])


# Shards that do not fit


def test_shard_set__a_shard_of_another_spec_is_refused(shard_folders: Folders, spec: FeatureSpec) -> None:
    other = FeatureSpec(window_s=4.0, hop_s=4.0)
    with pytest.raises(DataError) as caught:
        ShardSet(shard_folders["development"], other)
    assert spec.sha256[:12] in str(caught.value)
    assert other.sha256[:12] in str(caught.value)
    assert "run featurize again" in str(caught.value)


def test_shard_set__one_shard_of_another_spec_among_many_is_refused(
    shard_folders: Folders, spec: FeatureSpec, own_shard: Path
) -> None:
    facts = json.loads((own_shard / "shard.json").read_text())
    (own_shard / "shard.json").write_text(json.dumps(facts | {"spec_sha256": "0" * 64}))
    with pytest.raises(DataError, match=f"{own_shard} was made by feature spec 000000000000"):
        ShardSet([*shard_folders["development"], own_shard], spec)


@pytest.mark.parametrize("n_bytes_left", [0, 1, 2, 1001, -2, -1])
def test_shard_set__truncated_waveforms_are_refused(own_shard: Path, spec: FeatureSpec, n_bytes_left: int) -> None:
    whole = (own_shard / "waveforms.i16").read_bytes()
    (own_shard / "waveforms.i16").write_bytes(whole[:n_bytes_left])
    with pytest.raises(DataError, match="run featurize again"):
        ShardSet([own_shard], spec)


def test_shard_set__waveforms_that_are_too_long_are_refused(own_shard: Path, spec: FeatureSpec) -> None:
    with (own_shard / "waveforms.i16").open("ab") as file:
        file.write(bytes(2))
    with pytest.raises(DataError, match="run featurize again"):
        ShardSet([own_shard], spec)


@pytest.mark.parametrize("name", ["shard.json", "waveforms.i16", "recordings.parquet"])
def test_shard_set__a_missing_file_is_refused(own_shard: Path, spec: FeatureSpec, name: str) -> None:
    (own_shard / name).unlink()
    with pytest.raises(DataError, match="run featurize again"):
        ShardSet([own_shard], spec)


@pytest.mark.parametrize("name", ["shard.json", "recordings.parquet"])
def test_shard_set__a_file_cut_in_half_is_refused(own_shard: Path, spec: FeatureSpec, name: str) -> None:
    whole = (own_shard / name).read_bytes()
    (own_shard / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="run featurize again"):
        ShardSet([own_shard], spec)


def test_shard_set__a_folder_that_is_no_shard(tmp_path: Path, spec: FeatureSpec) -> None:
    with pytest.raises(DataError, match=r"shard\.json is missing"):
        ShardSet([tmp_path], spec)


def test_shard_set__of_nothing(spec: FeatureSpec) -> None:
    with pytest.raises(DataError, match="no shards were given"):
        ShardSet([], spec)


# Targets

INDEX = {"0126247": 0, "1139490": 1, "grekis": 2}


def _target(primary: str, secondary: list[str]) -> list[float]:
    table = pd.DataFrame({"primary_label": [primary], "secondary_labels": [secondary]})
    return [float(value) for value in targets(table, INDEX)[0]]


@pytest.mark.parametrize(
    ("primary", "secondary", "expected"),
    [
        ("grekis", [], [0, 0, 1]),
        ("1139490", ["grekis"], [0, 1, 1]),
        ("1139490", ["grekis", "0126247"], [1, 1, 1]),
        ("grekis", ["grekis"], [0, 0, 1]),
        ("grekis", ["yebela1"], [0, 0, 1]),
        ("grekis", ["126247", "1139490 "], [0, 0, 1]),
    ],
)
def test_targets__primary_and_secondary_count_alike(primary: str, secondary: list[str], expected: list[float]) -> None:
    assert _target(primary, secondary) == expected


def test_targets__one_row_a_recording(source: Source) -> None:
    labels = targets(source.recordings, source.classes.index)
    assert labels.dtype == np.float32
    assert labels.shape == (19, 5)
    known = source.recordings["secondary_labels"].map(lambda codes: sum(code in source.classes.index for code in codes))
    np.testing.assert_array_equal(labels.sum(axis=1), 1 + known)


def test_targets__two_secondary_labels_are_not_lost_on_the_way_from_the_csv(
    birdclef_folder: Path, spec: FeatureSpec, tmp_path: Path
) -> None:
    # Forerunners split the text at blanks: "['1139490'," is in no taxonomy, and no model ever saw a second label.
    with (birdclef_folder / "train.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["filename"] == "grekis/XC0.ogg")
    assert row["secondary_labels"] == "['1139490', 'bobfly1']"

    source = read_birdclef(birdclef_folder)
    write_recordings(source.recordings, tmp_path / "recordings.parquet")
    usable = validate_recordings(read_recordings(tmp_path / "recordings.parquet").tail(5)).usable
    write_recordings(usable, tmp_path / "usable.parquet")
    write_shard(read_recordings(tmp_path / "usable.parquet").assign(split="train"), spec, tmp_path / "shard")
    shards = ShardSet([tmp_path / "shard"], spec, "train")

    labels = targets(shards.table, source.classes.index)
    used = {
        recording: {source.classes.codes[column] for column in np.flatnonzero(one)}
        for recording, one in zip(shards.table["recording_id"], labels, strict=True)
    }
    assert used["grekis/XC0.ogg"] == {"grekis", "1139490", "bobfly1"}
    assert used["grekis/XC4.ogg"] == {"grekis"}


def test_write_shard__a_recording_at_the_specs_rate_keeps_every_sample(
    spec: FeatureSpec, encode: Callable[..., bytes], tmp_path: Path
) -> None:
    samples = np.random.default_rng(0).integers(-20_000, 20_000, 32_000).astype(np.int16)
    (tmp_path / "a.wav").write_bytes(encode(samples, 32_000, "WAV", "PCM_16"))
    recordings = pd.DataFrame(
        {
            "recording_id": ["a.wav"],
            "path": [str(tmp_path / "a.wav")],
            "primary_label": ["0126247"],
            "secondary_labels": [["1139490"]],
            "split": ["train"],
        }
    )
    write_shard(recordings, spec, tmp_path / "shard")
    np.testing.assert_array_equal(ShardSet([tmp_path / "shard"], spec).waveform(0), samples)
    assert (tmp_path / "shard" / "waveforms.i16").stat().st_size == 64_000


def test_shard_set__of_before_calls_the_split_part(
    validated: ValidatedRecordings, spec: FeatureSpec, tmp_path: Path
) -> None:
    write_shard(validated.usable.head(3).assign(split=["train", "validation", "train"]), spec, tmp_path / "shard")
    table = tmp_path / "shard" / "recordings.parquet"
    read_frame(table).rename(columns={"split": "part"}).to_parquet(table, index=False)
    assert len(ShardSet([tmp_path / "shard"], spec, "train")) == 2


# What a shard's table keeps


def test_write_shard__keeps_what_later_steps_ask_for(
    shard_folders: Folders, spec: FeatureSpec, validated: ValidatedRecordings
) -> None:
    table = ShardSet(shard_folders["development"], spec).table
    usable = validated.usable.set_index("recording_id").loc[table["recording_id"]]
    for name in ("sha256", "decoded_sha256", "author", "site", "recorded_at"):
        assert list(table[name]) == list(usable[name])
    # Where the sun decides which hour an instant was.
    np.testing.assert_array_equal(table[["latitude", "longitude"]], usable[["latitude", "longitude"]])


def test_write_shard__takes_a_table_without_them(
    validated: ValidatedRecordings, spec: FeatureSpec, tmp_path: Path
) -> None:
    columns = ["recording_id", "path", "primary_label", "secondary_labels"]
    some = validated.usable.head(2)[columns].assign(split="train", group_id="g")
    write_shard(some, spec, tmp_path / "shard")
    table = ShardSet([tmp_path / "shard"], spec).table
    assert list(table["group_id"]) == ["g", "g"]
    assert not {"sha256", "decoded_sha256", "author"} & set(table.columns)


def test_waveform_sha256__is_of_what_the_shard_holds(shard_folders: Folders, spec: FeatureSpec) -> None:
    shards = ShardSet(shard_folders["test"], spec)
    for index, waveform in enumerate(shards):
        assert shards.table["waveform_sha256"][index] == hashlib.sha256(waveform.tobytes()).hexdigest()


def test_waveform_sha256__is_the_same_for_the_same_sound_in_another_file(
    spec: FeatureSpec, encode: Callable[..., bytes], tmp_path: Path
) -> None:
    samples = np.random.default_rng(0).integers(-20_000, 20_000, 44_100).astype(np.int16)
    rows = []
    for container in ("WAV", "FLAC"):
        path = tmp_path / f"a.{container.lower()}"
        path.write_bytes(encode(samples, 44_100, container, "PCM_16"))
        rows.append((path.name, str(path), "0126247", [], "train"))
    columns = ["recording_id", "path", "primary_label", "secondary_labels", "split"]
    write_shard(pd.DataFrame(rows, columns=columns), spec, tmp_path / "shard")
    assert ShardSet([tmp_path / "shard"], spec).table["waveform_sha256"].nunique() == 1


def test_write_shard__from_any_place_holds_the_same_sound(
    birdclef_folder: Path, laid_out: Callable[[Path], str], spec: FeatureSpec, tmp_path: Path
) -> None:
    there = open_source(laid_out(birdclef_folder)).recordings.head(3).assign(split="train")
    here = read_birdclef(birdclef_folder).recordings.head(3).assign(split="train")
    write_shard(there, spec, tmp_path / "there")
    write_shard(here, spec, tmp_path / "here")
    assert (tmp_path / "there" / "waveforms.i16").read_bytes() == (tmp_path / "here" / "waveforms.i16").read_bytes()


# What may happen meanwhile


@pytest.fixture
def own_usable(own_folder: Path) -> pd.DataFrame:
    """Validated recordings in a folder that a test may change afterwards."""
    return validate_recordings(read_birdclef(own_folder).recordings.tail(3)).usable.assign(split="train")


def test_write_shard__a_file_that_vanished_is_named_and_nothing_is_left(
    own_usable: pd.DataFrame, spec: FeatureSpec, tmp_path: Path
) -> None:
    Path(own_usable["path"][1]).unlink()
    with pytest.raises(DataError) as caught:
        write_shard(own_usable, spec, tmp_path / "shards" / "0")
    assert str(caught.value) == (
        f"grekis/XC3.flac was there when validate opened it and cannot be read any more ({own_usable['path'][1]} is "
        "missing): put it back, or run validate again"
    )
    assert list((tmp_path / "shards").iterdir()) == []


def test_write_shard__a_file_that_was_changed_is_named_and_nothing_is_left(
    own_usable: pd.DataFrame, spec: FeatureSpec, tmp_path: Path
) -> None:
    shutil.copy(own_usable["path"][0], own_usable["path"][1])
    with pytest.raises(DataError, match=r"grekis/XC3\.flac was changed since validate opened it .*run validate again"):
        write_shard(own_usable, spec, tmp_path / "shards" / "0")
    assert list((tmp_path / "shards").iterdir()) == []


def test_write_shard__that_fails_leaves_the_shard_that_was_there(
    own_usable: pd.DataFrame, spec: FeatureSpec, own_shard: Path
) -> None:
    before = {path.name: path.read_bytes() for path in own_shard.iterdir()}
    Path(own_usable["path"][2]).unlink()
    with pytest.raises(DataError):
        write_shard(own_usable, spec, own_shard)
    assert {path.name: path.read_bytes() for path in own_shard.iterdir()} == before
    assert [path.name for path in own_shard.parent.iterdir() if path.name.startswith(".")] == []


def test_write_shard__beyond_a_limit_is_one_sentence_and_leaves_nothing(
    validated: ValidatedRecordings, spec: FeatureSpec, small_files: None, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match=r"shards/0 grows larger than .*ulimit -f"):
        write_shard(validated.usable.assign(split="train"), spec, tmp_path / "shards" / "0")
    assert list((tmp_path / "shards").iterdir()) == []


def test_write_shard__onto_a_full_disk_is_one_sentence_and_leaves_nothing(
    validated: ValidatedRecordings, spec: FeatureSpec, small_disk: Path
) -> None:
    with pytest.raises(StorageError) as caught:
        write_shard(validated.usable.assign(split="train"), spec, small_disk / "0")
    assert str(caught.value).startswith(f"no space left on {small_disk} while writing {small_disk / '0'}: free some")
    assert list(small_disk.iterdir()) == []


def test_write_shard__an_s3_that_went_away_is_one_sentence(
    s3: S3Server, validated: ValidatedRecordings, spec: FeatureSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", "127.0.0.1:1")
    gone = validated.usable.head(1).assign(split="train", path="s3://recordings/a.ogg")
    with pytest.raises(StorageError, match=r"no usable answer from 127\.0\.0\.1:1"):
        write_shard(gone, spec, tmp_path / "shard")
    assert list(tmp_path.iterdir()) == []
