"""The log's own thread: a prediction hands its rows over and goes on, whatever becomes of them."""

from __future__ import annotations

import itertools
import logging
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from silencio.errors import ConfigError, SilencioError
from silencio.prediction_log.rows import RecordingFacts, WindowRecord, as_table, in_utc
from silencio.prediction_log.schema import PARTITION, SUFFIX
from silencio.storage import is_s3, join, write_bytes
from silencio.storage.settings import S3Settings
from silencio.storage.uris import is_zip

_logger = logging.getLogger("kserve")
_FIRST_PAUSE_S, _MAX_PAUSE_S = 1.0, 30.0
_NOT_ROWS = (pa.ArrowException, TypeError, ValueError, AttributeError, OverflowError)


class _Waiting(NamedTuple):
    since_s: float
    date: str
    record: WindowRecord


class _SharedFacts(NamedTuple):
    facts: RecordingFacts
    generalised: RecordingFacts
    date: str


class PredictionLog:
    """Rows wait in memory, a thread writes them: file by file, each whole or not at all.

    A file lies under the UTC date of its requests, `date=YYYY-MM-DD/HHMMSS-….parquet`. A file that cannot be written
    is tried again, under the same name, until it can be. Meanwhile rows wait; beyond `max_waiting_rows` the newest are
    dropped: what waits is then one unbroken stretch of time, and what is being written need not be taken back.

    Args:
        place: A folder or an S3 prefix.
        rows_per_file: A file is written when so many wait.
        seconds_per_file: Or when a row has waited so long.
        max_waiting_rows: Rows held in memory, of 206 species at most 3 KB each.
        coordinate_step_degrees: Places are rounded to multiples of it; 0 keeps them as they come.
        on_written: Told how many rows were written, from the log's thread.
        on_dropped: Told why and how many were not: `full` (the place is too slow, or away), `invalid` (a value is not
            of its column's type), `closed` (the server ended before they could be written).

    Attributes:
        n_written: Rows.
        n_dropped: Rows, by reason.

    Raises:
        ConfigError: The place can never be written to.
    """

    def __init__(
        self,
        place: str,
        *,
        rows_per_file: int = 5_000,
        seconds_per_file: float = 60.0,
        max_waiting_rows: int = 50_000,
        coordinate_step_degrees: float = 0.1,
        on_written: Callable[[int], None] | None = None,
        on_dropped: Callable[[str, int], None] | None = None,
    ) -> None:
        if is_zip(place):
            raise ConfigError(f"prediction log {place}: a folder or an s3:// place is needed")
        if is_s3(place):
            S3Settings()  # says now, not once a file is due, what the environment lacks
        self._place = place
        self._rows_per_file = rows_per_file
        self._seconds_per_file = seconds_per_file
        self._max_waiting_rows = max_waiting_rows
        self._step = coordinate_step_degrees
        self._on_written, self._on_dropped = on_written, on_dropped
        self.n_written = 0
        self.n_dropped: Counter[str] = Counter()
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="prediction log", daemon=True)
        self._thread.start()

    def put(self, records: Sequence[WindowRecord]) -> None:
        """Hand rows over, for good. Never waits for the place, never raises."""
        now_s = time.monotonic()
        shared: dict[int, _SharedFacts] = {}  # what windows of one recording share is looked at once
        rows = []
        try:
            for record in records:
                key = id(record.facts)
                if key not in shared:
                    shared[key] = _SharedFacts(record.facts, self._generalised(record.facts), _date(record.facts))
                record.facts = shared[key].generalised
                rows.append(_Waiting(now_s, shared[key].date, record))
        except _NOT_ROWS:
            self._drop("invalid", len(records))
            return
        with self._changed:
            n_taken = 0 if self._closing else min(len(rows), max(0, self._max_waiting_rows - len(self._waiting)))
            was_empty = not self._waiting
            self._waiting.extend(rows[:n_taken])
            if was_empty or len(self._waiting) >= self._rows_per_file:
                self._changed.notify()
            self._drop("closed" if self._closing else "full", len(rows) - n_taken)

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits, for at most so long; the rest is dropped and counted."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)
        with self._changed:
            n_left = len(self._waiting)
            self._waiting.clear()
        if n_left:
            _logger.error("prediction log: %d rows could not be written to %s in time", n_left, self._place)
            self._drop("closed", n_left)
        # A scrape never sees what is counted now.
        dropped = ", ".join(f"{n_rows} {reason}" for reason, n_rows in sorted(self.n_dropped.items())) or "none"
        _logger.info("prediction log: closed after %d rows; dropped: %s", self.n_written, dropped)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _generalised(self, facts: RecordingFacts) -> RecordingFacts:
        """Before it waits anywhere."""
        if not self._step or (facts.latitude is None and facts.longitude is None):
            return facts
        return replace(facts, latitude=self._rounded(facts.latitude), longitude=self._rounded(facts.longitude))

    def _rounded(self, degrees: float | None) -> float | None:
        return None if degrees is None else round(round(degrees / self._step) * self._step, 6)

    def _drop(self, reason: str, n_rows: int) -> None:
        if n_rows <= 0:
            return
        with self._changed:
            if reason not in self.n_dropped:
                _logger.error("prediction log: rows are dropped, reason: %s", reason)
            self.n_dropped[reason] += n_rows
        if self._on_dropped:
            self._on_dropped(reason, n_rows)

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                if not self._write(batch[0].date, [one.record for one in batch]):
                    return
            except Exception:  # the thread must live: one batch is lost, and the server's log says why
                _logger.exception("prediction log: not foreseen")
                self._drop("invalid", len(batch))
            with self._changed:
                for _ in range(min(len(batch), len(self._waiting))):
                    self._waiting.popleft()

    def _next_batch(self) -> list[_Waiting]:
        """Wait until a file is due. Its rows, all of one day, stay in the queue until they are written.

        Returns:
            Nothing at the end.
        """
        with self._changed:
            while not self._closing and len(self._waiting) < self._rows_per_file:
                if not self._waiting:
                    self._changed.wait()
                    continue
                due_in_s = self._waiting[0].since_s + self._seconds_per_file - time.monotonic()
                if due_in_s <= 0:
                    break
                self._changed.wait(due_in_s)
            due = itertools.islice(self._waiting, self._rows_per_file)
            return list(itertools.takewhile(lambda one: one.date == self._waiting[0].date, due))

    def _write(self, date: str, rows: list[WindowRecord]) -> bool:
        """Returns False if the server ends while the place is away."""
        rows, content = self._content(rows)
        if not rows:
            return True
        first = in_utc(rows[0].facts.received_at)
        # One name for all tries: a try that was thought lost and was not is written over, not doubled.
        uri = join(self._place, f"{PARTITION}{date}", f"{first:%H%M%S}-{uuid.uuid4().hex[:12]}{SUFFIX}")
        if not self._write_until_written(uri, content):
            return False
        self.n_written += len(rows)
        if self._on_written:
            self._on_written(len(rows))
        return True

    def _write_until_written(self, uri: str, content: bytes) -> bool:
        pause_s = _FIRST_PAUSE_S
        n_failures = 0
        while True:
            is_last_try = self._closing
            try:
                write_bytes(uri, content)
            except SilencioError as error:
                if is_last_try:
                    return False
                if not n_failures:
                    _logger.error("prediction log: %s; it is tried again", error)
                n_failures += 1
            else:
                if n_failures:
                    _logger.info("prediction log: %s can be written to again", self._place)
                return True
            with self._changed:
                self._changed.wait_for(lambda: self._closing, pause_s)
            pause_s = min(2 * pause_s, _MAX_PAUSE_S)

    def _content(self, rows: list[WindowRecord]) -> tuple[list[WindowRecord], bytes]:
        """A Parquet file, and the rows that are in it: those that are of no use do not cost the others."""
        try:
            table = as_table(rows)
        except _NOT_ROWS:
            sound = [row for row in rows if _is_sound(row)]
            self._drop("invalid", len(rows) - len(sound))
            rows, table = sound, as_table(sound)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        return rows, sink.getvalue().to_pybytes()


def _date(facts: RecordingFacts) -> str:
    return f"{in_utc(facts.received_at):%Y-%m-%d}"


def _is_sound(row: WindowRecord) -> bool:
    try:
        as_table([row])
    except _NOT_ROWS:
        return False
    return True
