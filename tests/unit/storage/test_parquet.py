"""Parquet is read by the thread that asks, so that no other is left to abort the process at its end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from silencio.data.frames import read_frame
from silencio.storage.parquet import read_parquet

TABLE = pd.DataFrame(
    {
        "path": [f"frog/{number}.ogg" for number in range(500)],
        "part": pd.Series([None if number % 3 else "train" for number in range(500)], dtype=object),
        "secondary_labels": [["owl", "rana ñ"] for _ in range(500)],
        "duration_s": [number / 7 for number in range(500)],
        "shard": range(-1, 499),
    }
)

# The thread pools of pyarrow start when they are first needed and stay: whoever starts one is named. A process of its
# own, for in this one others have started them.
WHO_STARTS_THREADS = """
import sys
from pathlib import Path
import psutil
from silencio.data.faults import fault_table
from silencio.data.frames import read_frame
from silencio.data.recordings import read_known_faults, read_recordings, write_recordings, write_table
from silencio.storage.parquet import read_parquet
import pyarrow.compute as pc
import pyarrow.parquet as pq

path = Path(sys.argv[1])
frame = read_frame(path)
own = path.with_name("own")
steps = {
    "read_parquet": lambda: read_parquet(path),
    "read_parquet of bytes": lambda: read_parquet(path.read_bytes()),
    "read_frame": lambda: read_frame(path, columns=["path"]),
    "write_table": lambda: write_table(frame, own),
    "write_recordings": lambda: write_recordings(frame, own, faults=fault_table([])),
    "read_recordings": lambda: read_recordings(own),
    "read_known_faults": lambda: read_known_faults(own),
    "to_parquet": lambda: frame.to_parquet(own),
    "pyarrow's write_table": lambda: pq.write_table(read_parquet(path), own, compression="zstd"),
    "filter by a mask": lambda: (table := read_parquet(path)).filter(pc.equal(table["shard"], 1)).to_pylist(),
    "sort_by": lambda: read_parquet(path).sort_by([("path", "ascending")]),
    "pyarrow's read_table": lambda: pq.read_table(path),
}
begun = psutil.Process().num_threads()
for name, step in steps.items():
    step()
    if psutil.Process().num_threads() > begun:
        print(name)
        break
"""


def test_parquet__neither_reading_nor_writing_starts_a_thread(tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / "table")
    command = [sys.executable, "-c", WHO_STARTS_THREADS, str(tmp_path / "table")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    # The last one does: otherwise nothing was shown.
    assert (done.stdout.strip(), done.returncode) == ("pyarrow's read_table", 0), done.stderr


def test_read_frame__is_what_pandas_reads(tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / "table")
    expected = pd.read_parquet(tmp_path / "table", use_threads=False)  # noqa: TID251  # what it stands for
    for source in (tmp_path / "table", str(tmp_path / "table"), (tmp_path / "table").read_bytes()):
        pd.testing.assert_frame_equal(read_frame(source), expected)
    chosen = read_frame(tmp_path / "table", columns=["shard", "path"])
    pd.testing.assert_frame_equal(chosen[["path", "shard"]], expected[["path", "shard"]])


def test_read_frame__an_index_comes_back(tmp_path: Path) -> None:
    table = TABLE.set_index("path")
    table.to_parquet(tmp_path / "table")
    pd.testing.assert_index_equal(read_frame(tmp_path / "table").index, table.index)


def test_read_parquet__a_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    place = tmp_path / "date=2026-05-01"
    place.mkdir()
    TABLE.to_parquet(place / "table")
    assert read_parquet(place / "table").column_names == list(TABLE.columns)


def test_read_parquet__what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        read_parquet(tmp_path / "nowhere")
    assert caught.value.filename == str(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"a,b\n1,2\n", b"PAR1" + bytes(100) + b"PAR1"])
def test_read_parquet__what_is_no_parquet(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "table").write_bytes(content)
    for source in (tmp_path / "table", content):
        with pytest.raises((ValueError, OSError)):
            read_parquet(source)


def test_read_parquet__a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / "table")
    with pytest.raises(ValueError, match="column 'sha256' is missing; it has path, part"):
        read_parquet(tmp_path / "table", columns=["path", "sha256"])
