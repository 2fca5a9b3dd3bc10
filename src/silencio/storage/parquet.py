"""The one way in which Parquet is read: in the thread that asks, by no other.

pyarrow's own readers start threads that outlive the call. One that still holds a Python object (the open file that
pandas hands over, a column of texts) when the interpreter ends is unwound by force, and the process aborts after all of
its work is done: `terminate called without an active exception`, SIGABRT. Which read does so is chance, so none may.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def read_parquet(source: str | Path | bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file without starting a thread.

    Args:
        source: A file of this machine, or the bytes of one.
        columns: Only these; None is all.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no Parquet (`pyarrow.ArrowInvalid`), or lacks a column.
    """
    content = source if isinstance(source, bytes) else Path(source).read_bytes()
    # Out of a buffer: over a path or an open file, pyarrow reads in a pool of threads.
    with pq.ParquetFile(pa.BufferReader(content)) as file:  # noqa: TID251  # the one place
        missing = sorted(set(columns or ()) - set(file.schema_arrow.names))
        if missing:
            raise ValueError(f"column {missing[0]!r} is missing; it has {', '.join(file.schema_arrow.names)}")
        return file.read(columns=None if columns is None else list(columns), use_threads=False)
