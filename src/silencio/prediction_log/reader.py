"""Read a prediction log back."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from serving.prediction_log.records import SCHEMA, in_utc

from silencio.errors import DataError
from silencio.storage import list_objects, read_bytes
from silencio.storage.parquet import read_parquet

PARTITION = "date="
SUFFIX = ".parquet"


def read_log(place: str, since: datetime, until: datetime) -> pa.Table:
    """The rows of requests that came in a stretch of time, by time.

    Args:
        place: A folder or an S3 prefix.
        since: From this moment on; with a time zone.
        until: Before this moment; with a time zone.

    Returns:
        A table of `SCHEMA`; empty where nothing was logged.

    Raises:
        StorageError: The place cannot be read.
        DataError: A file in it is no part of a prediction log, or a time has no zone.
    """
    try:
        since, until = in_utc(since), in_utc(until)
    except ValueError as error:
        raise DataError(f"the prediction log is read by moments: {error}; give datetime.now(UTC) or alike") from error
    first, last = (f"{moment:%Y-%m-%d}" for moment in (since, until))
    tables = [SCHEMA.empty_table()]
    for one in list_objects(place):
        folder, _, name = one.uri.rpartition("/")
        date = folder.rpartition("/")[2].removeprefix(PARTITION)
        if name.endswith(SUFFIX) and not name.startswith(".") and first <= date <= last:
            tables.append(_read_file(one.uri))
    table = pa.concat_tables(tables, promote_options="default").select(SCHEMA.names)
    at = table["received_at"]
    chosen = pc.and_(
        pc.greater_equal(at, pa.scalar(since, SCHEMA.field("received_at").type)),
        pc.less(at, pa.scalar(until, SCHEMA.field("received_at").type)),
    )
    return table.filter(chosen).sort_by([("received_at", "ascending")])


def _read_file(uri: str) -> pa.Table:
    try:
        return read_parquet(read_bytes(uri))
    except pa.ArrowException as error:
        raise DataError(f"{uri} is no file of a prediction log: {error}") from error
