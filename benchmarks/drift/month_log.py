"""A prediction log of months on a disk, in as many files as servers write, and the runs of drift over it."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.drift.log_rows import rows_of
from benchmarks.drift.reserve import Reserve
from benchmarks.drift.world import World
from monitoring.drift.evidently_pages import has_evidently
from monitoring.drift.job import DriftJob
from monitoring.drift.run import run_day
from silencio.drift import DriftPolicy
from silencio.prediction_log.schema import PARTITION, SUFFIX
from silencio.storage.atomic import write_atomically

DAYS_A_MONTH = 30
# A server writes once a minute where rows wait, and a reserve's recorders record one minute in ten.
FILES_A_DAY = 144
_DAYS_BEFORE = 10


def made_reserve() -> Reserve:
    """Ten devices, one minute in ten."""
    return Reserve(World(), 4001)


def write_log(place: Path, n_days: int) -> None:
    """Write the reserve's log; days that are there stay.

    Args:
        place: Folder of the log.
        n_days: From the reserve's first day on.
    """
    reserve = made_reserve()
    for number in range(n_days):
        done = place / f".day-{number}"
        if done.exists():
            continue
        rows = rows_of(reserve.recordings([number])).sort_by("received_at")
        size = -(-len(rows) // FILES_A_DAY)
        for place_in_day, part in enumerate(_by_day(rows.slice(begin, size) for begin in range(0, len(rows), size))):
            received: datetime = part["received_at"][0].as_py()
            folder = place / f"{PARTITION}{received:%Y-%m-%d}"
            sink = pa.BufferOutputStream()
            pq.write_table(part, sink, compression="zstd")
            name = f"{received:%H%M%S}-{number:04d}{place_in_day:04d}{SUFFIX}"
            write_atomically(folder / name, sink.getvalue().to_pybytes())
        done.touch()


def _by_day(parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """A file is of one UTC day."""
    for part in parts:
        days = pc.cast(part["received_at"], pa.date32())
        for day in pc.unique(days):
            yield part.filter(pc.equal(days, day))


def run_months(log: Path, place: Path, n_months: int) -> dict[str, object]:
    """Run drift on every day, as a schedule does, in this process.

    Args:
        log: As `write_log` wrote it.
        place: Gets documents, pages and references.
        n_months: Number of months of thirty days.

    Returns:
        By month: seconds since the first run, the processor's, and the most memory so far, in MB.
    """
    first = made_reserve().first
    job = DriftJob(log=str(log), place=str(place), policy=DriftPolicy.shipped())
    made_at = datetime.fromisoformat("2026-01-01T06:00:00+00:00")
    months: dict[str, dict[str, float]] = {}
    began_s, began_processor_s = time.monotonic(), time.process_time()
    for number in range(_DAYS_BEFORE, n_months * DAYS_A_MONTH):
        day: date = first + timedelta(days=number)
        run_day(job, day, made_at, catch_up=0)
        if (number + 1) % DAYS_A_MONTH == 0:
            months[str((number + 1) // DAYS_A_MONTH)] = {
                "wall_s": round(time.monotonic() - began_s, 1),
                "processor_s": round(time.process_time() - began_processor_s, 1),
                "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
            }
            sys.stderr.write(f"month {(number + 1) // DAYS_A_MONTH}: {months[str((number + 1) // DAYS_A_MONTH)]}\n")
    return {"with_evidently": has_evidently(), "months": months}


if __name__ == "__main__":
    _, a_log, a_place, months_wanted = sys.argv
    sys.stdout.write(json.dumps(run_months(Path(a_log), Path(a_place), int(months_wanted))))
