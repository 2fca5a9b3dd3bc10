"""An archive in parts: every file is in one, and the tables are what one scorer says."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from silencio.bundle import Bundle, Scorer
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.detections.score_tables import row_names
from silencio.errors import PipelineError, SourceError, StorageError
from silencio.steps import archive_shards, batch_score, collect_scores, list_archive
from silencio.storage import upload_folder
from silencio.storage.parquet import read_parquet
from tests.disks import files_of_at_most
from tests.s3 import running_s3


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_placeholder_bundle(tmp_path_factory.mktemp("batch") / "bundle")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sites with a recording of the same name, one recording that is none, and what is no recording by its name."""
    root = tmp_path_factory.mktemp("archive")
    rng = np.random.default_rng(0)
    for name, duration_s in (("a/one.ogg", 12.0), ("a/two.ogg", 3.0), ("b/one.ogg", 5.0), ("b/three.flac", 7.0)):
        (root / name).parent.mkdir(exist_ok=True)
        soundfile.write(root / name, 0.1 * rng.standard_normal(int(32_000 * duration_s)), 32_000)
    (root / "b" / "broken.wav").write_bytes(b"RIFF")
    (root / "train.csv").write_text("filename,primary_label\n")
    (root / "a" / ".two.ogg.partial").write_bytes(b"Ogg")
    return root


def _list(data: Path | str, n_shards: int, archive: Path) -> dict[str, int]:
    return list_archive.run(list_archive.Inputs(str(data), n_shards), list_archive.Outputs(archive))


def _shards_of(archive: Path) -> list[int]:
    return archive_shards.run(archive_shards.Inputs(archive))


def _score(archive: Path, shard: int, bundle: Path | str, scores: Path) -> dict[str, float]:
    inputs = batch_score.Inputs(archive, shard, str(bundle), n_processes=1)
    return batch_score.run(inputs, batch_score.Outputs(scores))


def _collect(archive: Path, shards: list[Path], scores: Path) -> dict[str, int]:
    return collect_scores.run(collect_scores.Inputs(archive, shards), collect_scores.Outputs(scores))


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


@pytest.fixture(scope="module")
def scores(archive: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    work = tmp_path_factory.mktemp("work")
    table = work / "archive"
    _list(archive, 2, table)
    parts = [work / f"part-{shard}" for shard in _shards_of(table)]
    for shard, part in zip(_shards_of(table), parts, strict=True):
        _score(table, shard, bundle, part)
    return work / "all", _collect(table, parts[::-1], work / "all")


def test_counts__add_up(scores: tuple[Path, dict[str, int]]) -> None:
    directory, counts = scores
    assert counts == {"files": 7, "scored": 4, "failed": 1, "skipped": 2}
    files = {row["file"]: row for row in rows_of(directory / "files.csv")}
    assert len(files) == 7
    assert "not audio" in files["b/broken.wav"]["reason"]
    assert "no recording" in files["train.csv"]["reason"]
    assert files["a/.two.ogg.partial"]["status"] == "skipped"
    assert (files["a/one.ogg"]["duration_s"], files["a/one.ogg"]["n_windows"]) == ("12.000", "3")


def test_rows__are_birdclefs_and_hold_what_the_scorer_predicts(
    scores: tuple[Path, dict[str, int]], archive: Path, bundle: Path
) -> None:
    rows = {row.pop("row_id"): row for row in rows_of(scores[0] / "birdclef.csv")}
    # Two recordings share the name `one`: their rows are told apart by the folder.
    assert list(rows) == [
        *(f"a/one.ogg_{end}" for end in (5, 10, 15)),
        "two_5",
        "b/one.ogg_5",
        *(f"three_{end}" for end in (5, 10)),
    ]
    scorer = Scorer(Bundle(bundle), 1)
    printed = np.array([[float(value) for value in rows[f"three_{end}"].values()] for end in (5, 10)], np.float32)
    np.testing.assert_allclose(printed, scorer(archive / "b" / "three.flac").probabilities, rtol=0, atol=1e-6)
    assert list(rows["two_5"]) == list(scorer.bundle.manifest.classes.codes)


def test_detections__are_of_files_that_were_scored(scores: tuple[Path, dict[str, int]], bundle: Path) -> None:
    table = read_parquet(scores[0] / "detections.parquet").to_pylist()
    version = Bundle(bundle).manifest.version
    assert {row["bundle_version"] for row in table} == {version}
    by_status = {(row["status"], row["bundle_version"]) for row in rows_of(scores[0] / "files.csv")}
    assert {one for status, one in by_status if status == "scored"} == {version}
    assert {one for status, one in by_status if status != "scored"} == {""}
    counted = {row["file"]: int(row["n_detections"]) for row in rows_of(scores[0] / "files.csv")}
    assert sum(counted.values()) == len(table)
    for row in table:
        assert counted[row["file"]] > 0
        assert 0 <= row["start_s"] < row["end_s"] <= 12.0
    # A recording of 7 s has a window from 2 to 7: nothing is named in the two seconds after a full window alone.
    durations_s = {row["file"]: float(row["duration_s"] or 0) for row in rows_of(scores[0] / "files.csv")}
    for row in table:
        assert row["end_s"] - row["start_s"] >= min(5.0, durations_s[row["file"]]) - 1e-6


@pytest.mark.parametrize(("n_shards", "expected"), [(1, 1), (2, 2), (4, 4), (5, 5), (99, 5), (0, 1)])
def test_shards__hold_every_recording_once(n_shards: int, expected: int, archive: Path, tmp_path: Path) -> None:
    counts = _list(archive, n_shards, tmp_path / "archive")
    shards = read_parquet(tmp_path / "archive").to_pylist()
    assert counts == {"files": 7, "recordings": 5, "shards": expected}
    assert _shards_of(tmp_path / "archive") == list(range(expected))
    assert sum(row["shard"] >= 0 for row in shards) == 5


def test_shards__are_of_like_size(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(100):
        (tmp_path / "in" / f"{number:03d}.ogg").write_bytes(b"x" * (1 + 10 * (number % 7)))
    _list(tmp_path / "in", 4, tmp_path / "archive")
    rows = read_parquet(tmp_path / "archive").to_pylist()
    sizes = [sum(row["size_bytes"] for row in rows if row["shard"] == shard) for shard in range(4)]
    assert max(sizes) < 1.2 * min(sizes)


def test_nothing_to_score__is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(SourceError, match="holds no recording"):
        _list(tmp_path, 1, tmp_path / "archive")
    with pytest.raises(SourceError, match="is a table"):
        _list(tmp_path / "manifest.csv", 1, tmp_path / "archive")
    with pytest.raises(SourceError, match="-1 shards"):
        _list(tmp_path, -1, tmp_path / "archive")
    with pytest.raises(SourceError, match="151 shards: 0 .by size. to 150"):
        _list(tmp_path, 151, tmp_path / "archive")


def test_shards__are_no_more_than_a_step_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("silencio.steps.list_archive.SHARD_BYTES", 1)
    (tmp_path / "in").mkdir()
    for number in range(160):
        (tmp_path / "in" / f"{number:03d}.ogg").write_bytes(b"x" * 10)
    counts = _list(tmp_path / "in", 0, tmp_path / "archive")
    assert counts == {"files": 160, "recordings": 160, "shards": 150}


def test_lost_shard__is_noticed(scores: tuple[Path, dict[str, int]], tmp_path: Path) -> None:
    work = scores[0].parent
    with pytest.raises(PipelineError, match="7 files are in the archive"):
        _collect(work / "archive", [work / "part-0"], tmp_path / "all")


def test_names_that_are_no_text__are_scored_among_others(bundle: Path, tmp_path: Path) -> None:
    """`caf\\xe9.ogg` of an old disk, in a folder named alike: no table takes such names, so they are escaped."""
    for name in (b"caf\xe9.ogg", b"s\xefte/caf\xe9.ogg", b"[dawn] 1.ogg", b"note\xe9.txt"):
        path = tmp_path / "in" / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:  # soundfile itself takes no such path
            soundfile.write(file, 0.1 * np.ones(32_000), 32_000, format="OGG")
    work = tmp_path / "work"
    work.mkdir()
    assert _list(tmp_path / "in", 1, work / "archive")["recordings"] == 3
    _score(work / "archive", 0, bundle, work / "scores")
    assert _collect(work / "archive", [work / "scores"], work / "all")["scored"] == 3
    files = {row["file"]: row["status"] for row in rows_of(work / "all" / "files.csv")}
    assert files == {
        "[dawn] 1.ogg": "scored",
        "caf%E9.ogg": "scored",
        "s%EFte/caf%E9.ogg": "scored",
        "note%E9.txt": "skipped",
    }
    names = {row["row_id"] for row in rows_of(work / "all" / "birdclef.csv")}
    assert names == {"[dawn] 1_5", "caf%E9.ogg_5", "s%EFte/caf%E9.ogg_5"}


def test_folder_that_cannot_be_listed__is_skipped_by_name(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (archive / "lost+found").mkdir()
    scandir: Callable[[Any], Any] = os.scandir

    def refusing(path: Any) -> Any:
        if str(path).endswith("lost+found"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    try:
        counts = _list(archive, 1, tmp_path / "archive")
    finally:
        (archive / "lost+found").rmdir()
    assert counts == {"files": 8, "recordings": 5, "shards": 1}
    rows = read_parquet(tmp_path / "archive").to_pylist()
    (row,) = [row for row in rows if row["file"] == "lost+found/"]
    assert row["shard"] == -1
    assert "cannot be listed: Permission denied" in row["reason"]


def test_full_disk__is_one_sentence_that_names_the_table(archive: Path, bundle: Path, tmp_path: Path) -> None:
    _list(archive, 1, tmp_path / "archive")
    with files_of_at_most(64), pytest.raises(StorageError, match=r"/scores\S* (grows larger|cannot be written)"):
        _score(tmp_path / "archive", 0, bundle, tmp_path / "scores")


def test_row_names__are_unique() -> None:
    assert row_names(["a/x.ogg", "b/x.ogg", "b/y.ogg"]) == {"a/x.ogg": "a/x.ogg", "b/x.ogg": "b/x.ogg", "b/y.ogg": "y"}


def test_s3__holds_archive_and_bundle(
    archive: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = running_s3().use(monkeypatch).new_place()
    upload_folder(archive, f"{place}/in")
    upload_folder(bundle, f"{place}/bundle")
    assert _list(f"{place}/in/", 1, tmp_path / "archive")["recordings"] == 5
    figures = _score(tmp_path / "archive", 0, f"{place}/bundle", tmp_path / "scores")
    assert (figures["scored"], figures["failed"], figures["audio_s"]) == (4, 1, 27.0)
    assert figures["times_real_time"] > 0


def test_list_archive__leaves_bins_out_and_takes_what_phones_write(tmp_path: Path) -> None:
    names = ["$RECYCLE.BIN/S-1/a.wav", "card/@eaDir/b.ogg", "card/c.opus", "card/d.AIFF", "card/e.oga", "card/f.txt"]
    for name in names:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"x")
    _list(tmp_path / "in", 1, tmp_path / "archive")
    reasons = {row["file"]: row["reason"] for row in read_parquet(tmp_path / "archive").to_pylist()}
    assert list(reasons) == names
    assert [name for name, reason in reasons.items() if not reason] == names[2:5]
    assert reasons[names[0]] == reasons[names[1]] == "it lies in a folder of an operating system, such as its bin"
    assert reasons[names[5]].startswith("by its name it is no recording (.ogg, .oga, .opus,")
