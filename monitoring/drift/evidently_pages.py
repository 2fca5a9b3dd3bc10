"""Evidently's pages of a site: for a second look, by another method than the verdict's; they decide nothing.

Methods and thresholds are always named: Evidently chooses them by the size of the reference otherwise, so that a larger
reference would be another test, and mixes p-values with distances in one share of drifted columns. PSI is not used: its
bins are laid over both tables together, so that one outlier squeezes all others into one bin.
"""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from silencio.errors import ConfigError
from silencio.extras import install_command
from silencio.storage import join, write_bytes

if TYPE_CHECKING:
    import pandas as pd

NUMERIC_METHOD, CATEGORICAL_METHOD, THRESHOLD = "wasserstein", "jensenshannon", 0.1
# Above these a page is slow to open, and nobody reads it.
MAX_COLUMNS = 26


def has_evidently() -> bool:
    """Whether Evidently is installed; it is not imported for that, which takes seconds."""
    return importlib.util.find_spec("evidently") is not None


def page_names(stem: str) -> tuple[str, str]:
    """The names of a site's two files: a page, and the same as JSON.

    Args:
        stem: The site as a part of a file name.
    """
    return f"evidently-{stem}.html", f"evidently-{stem}.json"


def write_evidently(folder: str, stem: str, current: pa.Table, reference: pa.Table) -> tuple[str, ...]:
    """Write a site's report as HTML and JSON.

    Args:
        folder: Folder or s3:// prefix of the day.
        stem: The site as a part of a file name.
        current: One row a recording of the day: numbers, and text columns as categories.
        reference: The same of the reference.

    Returns:
        Names of the files; none where the tables have no column in common that has values in both.

    Raises:
        ConfigError: Evidently is not installed.
        StorageError: A file cannot be written.
    """
    if not has_evidently():
        raise ConfigError(f"Evidently's pages need the package evidently: {install_command('monitor')}")
    names = comparable_columns(current, reference)
    if not names:
        return ()
    report = _report(_frame(current, names), _frame(reference, names), _numeric(reference, names))
    page, facts = page_names(stem)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "page.html"
        report.save_html(str(path))
        write_bytes(join(folder, page), path)
    # Its own save_json writes numpy's numbers as texts.
    content = json.dumps(_plain(report.dict()), indent=1, allow_nan=False, ensure_ascii=False)
    write_bytes(join(folder, facts), f"{content}\n".encode())
    return page, facts


def comparable_columns(current: pa.Table, reference: pa.Table) -> list[str]:
    """Columns of numbers and texts that have values in both tables, at most `MAX_COLUMNS`, in their order.

    Args:
        current: One row a recording.
        reference: The same of the reference.
    """
    return [
        field.name
        for field in reference.schema
        if field.name in current.column_names
        and (_is_number(field.type) or pa.types.is_string(field.type))
        and all(len(table[field.name]) > table[field.name].null_count for table in (current, reference))
    ][:MAX_COLUMNS]


def _report(current: pd.DataFrame, reference: pd.DataFrame, numeric: list[str]) -> Any:
    # Before its import: it counts its users otherwise.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    categories = [name for name in reference.columns if name not in numeric]
    definition = DataDefinition(numerical_columns=numeric, categorical_columns=categories)
    preset = DataDriftPreset(
        columns=list(reference.columns),
        num_method=NUMERIC_METHOD,
        num_threshold=THRESHOLD,
        cat_method=CATEGORICAL_METHOD,
        cat_threshold=THRESHOLD,
    )
    return Report([preset]).run(
        Dataset.from_pandas(current, data_definition=definition),
        Dataset.from_pandas(reference, data_definition=definition),
    )


def _frame(table: pa.Table, names: list[str]) -> pd.DataFrame:
    frame: pd.DataFrame = table.select(names).to_pandas(use_threads=False)
    return frame


def _numeric(table: pa.Table, names: list[str]) -> list[str]:
    return [name for name in names if _is_number(table.schema.field(name).type)]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _plain(value: Any) -> Any:
    """JSON's own types: numpy's numbers as numbers, what is no number as null."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        value = value.item()
    if isinstance(value, float) and value != value:
        return None
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
