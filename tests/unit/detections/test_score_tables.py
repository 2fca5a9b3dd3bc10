"""The three tables about many recordings, on a disk that has no room for them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from silencio.detections.score_tables import FILES, TABLES, ScoreTables, append_files, joined
from silencio.errors import StorageError
from tests.disks import disk_of


def fill(directory: Path, n_recordings: int) -> None:
    with ScoreTables(directory, ["frog", "owl"]) as tables:
        for number in range(n_recordings):
            tables.scored(f"{number}.ogg", str(number), [5.0], np.array([[0.25, 0.75]]), [], 5.0)


def test_tables__on_a_full_disk_are_one_sentence(tmp_path: Path) -> None:
    """The first lines fit into buffers: it is at the end that they cannot be written."""
    with disk_of("64k", tmp_path / "disk") as disk:
        (disk / "full").write_bytes(b"x" * 60 * 1024)
        for n_recordings in (1, 5_000):
            with pytest.raises(StorageError, match=rf"no space left on {disk} while writing {disk}/scores"):
                fill(disk / "scores", n_recordings)


def test_joined_tables__on_a_full_disk_are_one_sentence(tmp_path: Path) -> None:
    fill(tmp_path / "part", 5_000)
    with disk_of("64k", tmp_path / "disk") as disk:
        with pytest.raises(StorageError, match=rf"no space left on {disk} while writing {disk}/all"):
            joined([tmp_path / "part"], disk / "all")
        with pytest.raises(StorageError, match=f"no space left on {disk} while writing .*{FILES}"):
            append_files(disk / "all", [(f"{n}.txt", "skipped", "no recording") for n in range(5_000)])


def test_tables__are_written_whole_where_there_is_room(tmp_path: Path) -> None:
    fill(tmp_path / "scores", 3)
    assert sorted(path.name for path in (tmp_path / "scores").iterdir()) == sorted(TABLES)
    assert (tmp_path / "scores" / FILES).read_text().count("scored") == 3


def test_append_files__every_row_has_every_column(tmp_path: Path) -> None:
    with ScoreTables(tmp_path, ["a"]) as tables:
        tables.not_scored("b.wav", "failed", "why")
    append_files(tmp_path, [("c.txt", "skipped", "no recording")])
    header, *rows = csv.reader((tmp_path / FILES).read_text().splitlines())
    assert [len(row) for row in rows] == [len(header)] * 2
