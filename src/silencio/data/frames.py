"""Parquet as pandas' tables: `silencio.storage.parquet` for those who have pandas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pandas as pd

from silencio.storage.parquet import read_parquet


def read_frame(source: str | Path | bytes, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """What `pandas.read_parquet` returns, without a thread that outlives the call.

    Args:
        source: A file of this machine, or the bytes of one.
        columns: Only these; None is all.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no Parquet, or lacks a column.
    """
    return cast("pd.DataFrame", read_parquet(source, columns).to_pandas(use_threads=False))
