"""The prediction log: whole files, whatever happens, and never in the way."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from serving.prediction_log import PredictionLog
from silencio.errors import ConfigError
from silencio.prediction_log import RecordingFacts, WindowRecord, read_log
from silencio.storage.parquet import read_parquet
from tests.s3 import running_s3
from tests.waiting import until

AT = datetime(2026, 5, 17, 6, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def facts(**changes: Any) -> RecordingFacts:
    known: dict[str, Any] = {"request_id": "r", "received_at": AT, "bundle_name": "b", "bundle_version": "1"}
    return RecordingFacts(**(known | {"spec_sha256": "s"} | changes))


def records(n_windows: int = 1, **changes: Any) -> list[WindowRecord]:
    shared = facts(**changes)
    return [
        WindowRecord(
            facts=shared,
            start_s=5.0 * i,
            end_s=5.0 * i + 5.0,
            top_codes=["a", "b"],
            top_probabilities=[0.75, 0.25],
            detected_codes=["a"],
            audio={"rms_db": -20.0},
        )
        for i in range(n_windows)
    ]


def _rows(place: Path | str) -> list[dict[str, Any]]:
    return list(read_log(str(place), AT - 9 * DAY, AT + 9 * DAY).to_pylist())


def _files(place: Path) -> list[Path]:
    return sorted(place.rglob("*.parquet"))


@pytest.mark.parametrize(("step", "kept"), [(0.1, (-9.0, 147.2)), (0.5, (-9.0, 147.0)), (0.0, (-9.0432, 147.1567))])
def test_coordinates__are_generalised(tmp_path: Path, step: float, kept: tuple[float, float]) -> None:
    with PredictionLog(str(tmp_path), coordinate_step_degrees=step) as log:
        log.put(records(2, latitude=-9.0432, longitude=147.1567))
        log.put(records())
    *placed, nowhere = sorted(_rows(tmp_path), key=lambda row: row["latitude"] is None)
    assert [(row["latitude"], row["longitude"]) for row in placed] == [kept, kept]
    assert nowhere["latitude"] is nowhere["longitude"] is None


def test_files__lie_under_the_utc_date_of_the_request(tmp_path: Path) -> None:
    late = datetime(2026, 5, 17, 20, 0, tzinfo=timezone(timedelta(hours=-5)))
    with PredictionLog(str(tmp_path)) as log:
        log.put(records(1))
        log.put(records(2, received_at=late))
        log.put(records(3))
    assert [(path.parent.name, pq.read_metadata(path).num_rows) for path in _files(tmp_path)] in (
        [("date=2026-05-17", 1), ("date=2026-05-17", 3), ("date=2026-05-18", 2)],
        [("date=2026-05-17", 3), ("date=2026-05-17", 1), ("date=2026-05-18", 2)],
    )


def test_files__come_when_full_or_when_a_row_has_waited_enough(tmp_path: Path) -> None:
    with PredictionLog(str(tmp_path / "full"), rows_per_file=3, seconds_per_file=60) as log:
        log.put(records(7))
        until(lambda: log.n_written == 6)
    with PredictionLog(str(tmp_path / "due"), rows_per_file=1_000, seconds_per_file=0.2) as log:
        log.put(records(2))
        until(lambda: log.n_written == 2)
    assert sorted(pq.read_metadata(path).num_rows for path in _files(tmp_path / "full")) == [1, 3, 3]


def test_put__a_value_of_the_wrong_type_costs_its_own_row_only(tmp_path: Path) -> None:
    with PredictionLog(str(tmp_path)) as log:
        log.put(records(2))
        log.put(records(1, session_id=7))
        log.put(records(3, received_at="now"))
        log.put(records(1, received_at=datetime(2026, 5, 17)))
    assert (log.n_written, log.n_dropped) == (2, Counter(invalid=5))
    assert len(_rows(tmp_path)) == 2


def test_put__never_waits_and_drops_the_newest_while_the_place_is_away(tmp_path: Path) -> None:
    (tmp_path / "place").write_text("a file where the folder should be")
    message: Counter[str] = Counter()
    log = PredictionLog(
        str(tmp_path / "place"),
        rows_per_file=10,
        max_waiting_rows=30,
        on_dropped=lambda why, n: message.update({why: n}),
    )
    for i in range(50):
        log.put(records(1, request_id=str(i)))
    assert log.n_dropped == message == {"full": 20}
    (tmp_path / "place").unlink()
    until(lambda: log.n_written == 30)
    log.close()
    assert sorted(int(row["request_id"]) for row in _rows(tmp_path / "place")) == list(range(30))


def test_close__gives_up_and_counts_where_the_place_stays_away(tmp_path: Path) -> None:
    (tmp_path / "place").write_text("")
    log = PredictionLog(str(tmp_path / "place"))
    log.put(records(4))
    log.close()
    log.put(records(2))
    assert log.n_dropped == {"closed": 6}


@contextlib.contextmanager
def _place_that_hangs() -> Iterator[int]:
    """An S3 that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_put__and_close_do_not_hang_with_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    with _place_that_hangs() as port:
        monkeypatch.setenv("SILENCIO_S3_ENDPOINT", f"http://127.0.0.1:{port}")
        log = PredictionLog("s3://bucket/log", rows_per_file=1, max_waiting_rows=5)
        for _ in range(20):
            log.put(records())
        log.close(timeout_s=0.5)
        assert log.n_dropped == {"full": 15, "closed": 5}


def test_place__that_can_never_be_written_to_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SILENCIO_S3_ENDPOINT", raising=False)
    for place in ("s3://bucket/log", "zip:///x.zip!/log"):
        with pytest.raises(ConfigError):
            PredictionLog(place)


def test_s3__is_written_and_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    place = running_s3().use(monkeypatch).new_place()
    with PredictionLog(place, rows_per_file=4) as log:
        log.put(records(10))
    assert log.n_written == len(_rows(place)) == 10


WRITE_FOR_EVER = """
import os, sys, itertools, resource
from tests.serving.prediction_log.test_writer import PredictionLog, records
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
log = PredictionLog(sys.argv[1], rows_per_file=200, max_waiting_rows=2_000)
for i in itertools.count():
    log.put(records(20, request_id=f"{os.getpid()}-{i}"))
    if i % 10 == 0:
        print(i, log.n_written, log.n_dropped["full"], flush=True)
"""


def _writer(place: Path, *arguments: str) -> subprocess.Popen[str]:
    root = str(Path(__file__).parents[3])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, f"{root}/src"])}
    command = [sys.executable, "-c", WRITE_FOR_EVER, str(place), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)


def _last_line(process: subprocess.Popen[str], enough: Callable[[list[int]], bool]) -> list[int]:
    assert process.stdout is not None
    for line in process.stdout:
        message = [int(number) for number in line.split()]
        if enough(message):
            return message
    raise AssertionError("the writer ended by itself")


@pytest.mark.survival
def test_killed__leaves_whole_files_only(tmp_path: Path) -> None:
    for n_files in (3, 8):
        process = _writer(tmp_path)
        _last_line(process, lambda message: message[1] >= 200 * n_files)  # noqa: B023
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for path in _files(tmp_path):
            assert read_parquet(path).num_rows == 200
    assert len(_rows(tmp_path)) >= 200 * 11


def test_full_disk__costs_rows_and_not_the_server(tmp_path: Path) -> None:
    process = _writer(tmp_path, "2000")
    try:
        _, n_written, n_dropped = _last_line(process, lambda message: message[2] > 5_000)
        assert n_written == 0
        assert n_dropped > 5_000
        assert _files(tmp_path) == []
    finally:
        process.kill()
        process.communicate()


def test_put__from_many_threads_loses_nothing(tmp_path: Path) -> None:
    with PredictionLog(str(tmp_path), rows_per_file=100) as log:

        def put(thread: int) -> None:
            for number in range(50):
                log.put(records(3, request_id=f"{thread}-{number}"))

        threads = [threading.Thread(target=put, args=(thread,)) for thread in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert log.n_written == len(_rows(tmp_path)) == 8 * 50 * 3
    assert not log.n_dropped
