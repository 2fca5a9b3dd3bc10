"""Read a prediction log back, by its days."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from silencio.errors import DataError, StorageError
from silencio.prediction_log.rows import OK, in_utc
from silencio.prediction_log.schema import FORMER_NAMES, PARTITION, SCHEMA, SUFFIX
from silencio.storage import is_local, is_missing, join, list_folders, list_objects, local_path, name_of, read_bytes
from silencio.storage.parquet import read_parquet

_RECEIVED_AT = "received_at"
# So far may clocks of servers be apart that write into one log: a reader that follows it looks for later days, too.
_CLOCK_SKEW = timedelta(hours=1)
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
# For more days than these, one listing of the days that there are costs less than asking for each.
_MAX_DAYS_BY_NAME = 31


def read_log(place: str, since: datetime, until: datetime, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of requests that came in a stretch of time, by time.

    Only the folders of its days (UTC) are listed, however long the log is kept. Files that were written before a column
    was have nulls in it; columns that a later version writes are left out.

    Args:
        place: A folder or an S3 prefix, as given to `--prediction_log`.
        since: From this moment on; with a time zone.
        until: Before this moment; with a time zone.
        columns: Columns of `SCHEMA`, in their order; None is all.

    Returns:
        A table of `SCHEMA`, or of these columns of it; empty where nothing was logged.

    Raises:
        StorageError: The place cannot be read.
        DataError: A file in it is no part of a prediction log, half-written or a copy of another one, a time has no
            zone, or there is no such column.
    """
    return LogReader(place, columns).rows(since, until)


class LogReader:
    """Reads stretches of a log that overlap, as those of a day and of the weeks before it: each of its days once.

    What is written into a day after it was read is not seen: a reader is for one look at a log.

    Args:
        place: A folder or an S3 prefix, as given to `--prediction_log`.
        columns: Columns of `SCHEMA`, in their order; None is all.

    Raises:
        DataError: There is no such column.
    """

    def __init__(self, place: str, columns: Sequence[str] | None = None) -> None:
        self._place, self._schema = place, _schema_of(columns)
        self._days: dict[str, pa.Table] = {}
        # By content: none of the files is another one under another name, whose rows would count twice.
        self._known: dict[bytes, str] = {}

    def rows(self, since: datetime, until: datetime) -> pa.Table:
        """As `read_log`, and raises as it does."""
        try:
            since, until = in_utc(since), in_utc(until)
        except ValueError as error:
            text = f"the prediction log is read by moments: {error}; give datetime.now(UTC) or alike"
            raise DataError(text) from error
        wanted = _with_time(self._schema)
        tables = [self._of_day(day) for day in _days_of(self._place, since, until)]
        table = pa.concat_tables([wanted.empty_table(), *tables])
        chosen = _within(table[_RECEIVED_AT], since, until)
        return table.filter(chosen).sort_by([(_RECEIVED_AT, "ascending")]).select(self._schema.names)

    def _of_day(self, day: str) -> pa.Table:
        if day not in self._days:
            tables = []
            for uri in _files_of_day(self._place, day):
                content = read_bytes(uri)
                first = self._known.setdefault(hashlib.sha256(content).digest(), uri)
                if first != uri:
                    raise DataError(
                        f"{uri} and {first} are the same file, and its rows would count twice: take one out of the log"
                    )
                tables.append(_read_file(uri, content, self._schema))
            self._days[day] = pa.concat_tables([_with_time(self._schema).empty_table(), *tables])
        return self._days[day]


class LogFollower:
    """Reads a log on as it grows: each file once, and of the folders those alone that may have new ones.

    Args:
        place: A folder or an S3 prefix, as given to `--prediction_log`; a folder that is not there yet has no rows.
        since: Rows from this moment on; with a time zone.
        columns: Columns of `SCHEMA`, in their order.
    """

    def __init__(self, place: str, since: datetime, columns: Sequence[str]) -> None:
        self._place, self._since, self._schema = place, in_utc(since), _schema_of(columns)
        self._known: set[str] = set()

    def new_rows(self) -> pa.Table:
        """Rows of files that were written since the last call, as `read_log` gives them.

        A file that cannot be read is tried again by the next call, and so are those behind it.

        Raises:
            StorageError: The place cannot be read.
            DataError: A file in it is no part of a prediction log.
        """
        tables = [_with_time(self._schema).empty_table()]
        if is_local(self._place) and not local_path(self._place).is_dir():
            return tables[0].select(self._schema.names)
        found = [
            uri for uri in _files(self._place, self._since, datetime.now(UTC) + _CLOCK_SKEW) if uri not in self._known
        ]
        tables += [_read_file(uri, read_bytes(uri), self._schema) for uri in found]
        self._known.update(found)
        table = pa.concat_tables(tables)
        table = table.filter(_within(table[_RECEIVED_AT], self._since, _END_OF_TIME))
        return table.sort_by([(_RECEIVED_AT, "ascending")]).select(self._schema.names)


def answered(table: pa.Table) -> pa.Table:
    """Rows of windows that were answered: without those of requests that failed, which have no window.

    Args:
        table: Rows with the column `status`.
    """
    return table.filter(pc.equal(pc.fill_null(table["status"], OK), OK))


def _schema_of(columns: Sequence[str] | None) -> pa.Schema:
    if columns is None:
        return SCHEMA
    if unknown := [name for name in columns if name not in SCHEMA.names]:
        raise DataError(f"the prediction log has no column {unknown[0]!r}; it has {', '.join(SCHEMA.names)}")
    return pa.schema([SCHEMA.field(name) for name in columns])


def _with_time(schema: pa.Schema) -> pa.Schema:
    """Rows are chosen and ordered by it, whoever wants it."""
    return schema if _RECEIVED_AT in schema.names else schema.append(SCHEMA.field(_RECEIVED_AT))


def _files(place: str, since: datetime, until: datetime) -> Iterator[str]:
    return (uri for day in _days_of(place, since, until) for uri in _files_of_day(place, day))


def _days_of(place: str, since: datetime, until: datetime) -> list[str]:
    if is_local(place) and not local_path(place).is_dir():
        raise StorageError(f"{place} cannot be listed: there is no such folder")
    return _days(place, since.date(), (until - timedelta.resolution).date()) if since < until else []


def _files_of_day(place: str, day: str) -> list[str]:
    try:
        found = list_objects(join(place, f"{PARTITION}{day}"))
    except StorageError as error:
        if not is_missing(error):
            raise
        return []  # a day without requests has no folder
    names = [(one.uri, name_of(one.uri)) for one in found]
    return [uri for uri, name in names if name.endswith(SUFFIX) and not name.startswith(".")]


def _days(place: str, first: date, last: date) -> list[str]:
    """The days of a stretch, as folders are named; of a long one those alone that were logged."""
    n_days = (last - first).days + 1
    if n_days <= _MAX_DAYS_BY_NAME:
        return [f"{first + timedelta(days=i)}" for i in range(n_days)]
    logged = (name.removeprefix(PARTITION) for name in list_folders(place) if name.startswith(PARTITION))
    return [day for day in logged if f"{first}" <= day <= f"{last}"]


def _read_file(uri: str, content: bytes, schema: pa.Schema) -> pa.Table:
    """Its rows, with the columns of `schema` and the time."""
    wanted = _with_time(schema)
    try:
        present = pq.read_schema(pa.BufferReader(content)).names
        called = {field.name: _name_in(present, field.name) for field in wanted}
        if lacking := [field.name for field in wanted if not (field.nullable or called[field.name])]:
            raise DataError(f"{uri} is no file of a prediction log: it has no column {lacking[0]!r}")
        table = read_parquet(content, [name for name in called.values() if name])
        columns = [
            table[called[field.name]].cast(field.type) if called[field.name] else pa.nulls(len(table), field.type)
            for field in wanted
        ]
    except (pa.ArrowException, OSError) as error:  # the latter where it is whole but for some bytes
        text = f"{uri} is no file of a prediction log, or is damaged or half-written: take it out of the log ({error})"
        raise DataError(text) from error
    return pa.Table.from_arrays(columns, schema=wanted)


def _within(received_at: pa.ChunkedArray, since: datetime, until: datetime) -> pa.ChunkedArray:
    return pc.and_(pc.greater_equal(received_at, _moment(since)), pc.less(received_at, _moment(until)))


def _name_in(present: Sequence[str], name: str) -> str:
    """How a file calls a column; empty where it has none."""
    former = FORMER_NAMES.get(name, name)
    return name if name in present else former if former in present else ""


def _moment(moment: datetime) -> pa.Scalar:
    return pa.scalar(moment, SCHEMA.field(_RECEIVED_AT).type)
