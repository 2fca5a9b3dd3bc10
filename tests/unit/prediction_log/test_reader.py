"""A log is read by its days, whatever version wrote it."""

from __future__ import annotations

import uuid
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from silencio.errors import DataError, StorageError
from silencio.prediction_log import (
    SCHEMA,
    LogFollower,
    LogReader,
    RecordingFacts,
    answered,
    read_log,
    reader,
    window_records,
)
from silencio.prediction_log.rows import as_table
from silencio.storage import join, write_bytes, zip_root
from tests.s3 import running_s3

AT = datetime(2026, 5, 17, 6, 30, tzinfo=UTC)
DAY = timedelta(days=1)
MIDNIGHT = AT.replace(hour=0, minute=0)
# As version 0.1.0 wrote them before this file was written.
_FORMER_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("request_id", "client_request_id", "session_id", "key_name")),
        *(pa.field(name, pa.timestamp("us", tz="UTC")) for name in ("received_at", "recorded_at")),
        *(pa.field(name, pa.float64()) for name in ("latitude", "longitude")),
        pa.field("recording", pa.int32(), nullable=False),
        pa.field("n_samples", pa.int64()),
        pa.field("sample_rate_hz", pa.int32()),
        pa.field("source_format", pa.string()),
        pa.field("notes", pa.list_(pa.string())),
        *(pa.field(name, pa.string()) for name in ("bundle_name", "bundle_version", "manifest_sha256", "spec_sha256")),
        *(pa.field(f"{stage}_s", pa.float32()) for stage in ("decode", "features", "predictor", "names")),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("start_s", "end_s")),
        pa.field("top_codes", pa.list_(pa.string()), nullable=False),
        pa.field("top_probabilities", pa.list_(pa.float32()), nullable=False),
        pa.field("named_codes", pa.list_(pa.string()), nullable=False),
        *(pa.field(one, pa.float32()) for one in ("rms_db", "peak_db", "clipped_share", "silence_share", "snr_db")),
    ]
)


def _table(received_at: datetime = AT, **changes: Any) -> pa.Table:
    facts = RecordingFacts(
        request_id=changes.pop("request_id", "r"),
        received_at=received_at,
        bundle_name="b",
        bundle_version="1",
        spec_sha256="s",
        **changes,
    )
    probabilities = np.array([[0.75, 0.25]], np.float32)
    detected, dropped = probabilities > 0.5, probabilities < 0
    return as_table(window_records(facts, [0.0], 5.0, ["a", "b"], probabilities, detected, dropped, {}))


def _content(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def _write(place: str, received_at: datetime, **changes: Any) -> None:
    day = f"date={received_at.astimezone(UTC):%Y-%m-%d}"
    write_bytes(join(place, day, f"{uuid.uuid4().hex}.parquet"), _content(_table(received_at, **changes)))


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A log of four days, two of them two months before."""
    place = str(tmp_path / "log")
    if request.param == "s3":
        place = join(running_s3().use(monkeypatch).new_place(), "log")
    for days in (-61, -60, -1, 0):
        _write(place, AT + days * DAY, request_id=str(days))
    return place


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a read lists."""
    uris: list[str] = []
    for name in ("list_objects", "list_folders"):
        function = getattr(reader, name)
        monkeypatch.setattr(reader, name, lambda uri, function=function: [uris.append(uri), function(uri)][1])
    return uris


def _ids(place: str, since: datetime, until: datetime) -> list[str]:
    return list(read_log(place, since, until)["request_id"].to_pylist())


def test_read__a_day_lists_the_folder_of_this_day_alone(place: str, listed: list[str]) -> None:
    assert _ids(place, MIDNIGHT, MIDNIGHT + DAY) == ["0"]
    assert listed == [f"{place}/date=2026-05-17"]


def test_read__a_stretch_over_midnight_lists_both_days(place: str, listed: list[str]) -> None:
    assert _ids(place, AT - DAY, AT + timedelta(seconds=1)) == ["-1", "0"]
    assert listed == [f"{place}/date=2026-05-16", f"{place}/date=2026-05-17"]


def test_read__of_many_days_lists_those_alone_that_were_logged(place: str, listed: list[str]) -> None:
    assert _ids(place, AT - 60 * DAY, AT + 3_650 * DAY) == ["-60", "-1", "0"]
    assert listed == [place, *(f"{place}/date=2026-{day}" for day in ("03-18", "05-16", "05-17"))]


def test_read__days_without_requests_are_empty(place: str) -> None:
    assert read_log(place, AT + 3 * DAY, AT + 4 * DAY).schema == SCHEMA
    assert _ids(place, AT, AT) == _ids(place, AT, AT - DAY) == []


def test_read__a_place_that_is_not_there_is_no_empty_log(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such folder"):
        read_log(str(tmp_path / "nowhere"), AT, AT + DAY)


def test_read__a_log_that_was_put_into_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        for days in (0, 90):
            name = f"kept/date={AT + days * DAY:%Y-%m-%d}/one.parquet"
            archive.writestr(name, _content(_table(AT + days * DAY, request_id=str(days))))
    place = join(zip_root(tmp_path / "log.zip"), "kept")
    assert _ids(place, AT, AT + DAY) == ["0"]
    assert _ids(place, AT, AT + 91 * DAY) == ["0", "90"]


def test_read__takes_the_stretch_by_time_and_not_by_day(tmp_path: Path) -> None:
    place = str(tmp_path)
    for hours in (1, -30, 0, -1, 30):
        _write(place, AT + timedelta(hours=hours), request_id=str(hours))
    assert _ids(place, AT, AT + DAY) == ["0", "1"]
    elsewhere = AT.astimezone(timezone(timedelta(hours=-9)))
    assert _ids(place, elsewhere, AT + DAY) == ["0", "1"]
    assert _ids(place, AT - 3 * DAY, AT) == ["-30", "-1"]
    with pytest.raises(DataError, match="has no time zone"):
        read_log(place, datetime(2026, 5, 17), AT)


def test_read__some_columns_in_their_order(tmp_path: Path) -> None:
    _write(str(tmp_path), AT + timedelta(hours=1), request_id="later")
    _write(str(tmp_path), AT, request_id="first")
    table = read_log(str(tmp_path), AT, AT + DAY, ["detected_codes", "request_id"])
    assert table.column_names == ["detected_codes", "request_id"]
    assert table["request_id"].to_pylist() == ["first", "later"]
    with pytest.raises(DataError, match="no column 'named_codes'; it has request_id, "):
        read_log(str(tmp_path), AT, AT + DAY, ["named_codes"])


def test_read__what_is_not_a_file_of_the_log(tmp_path: Path) -> None:
    folder = tmp_path / "date=2026-05-17"
    _write(str(tmp_path), AT)
    (folder / ".half.parquet").write_bytes(b"PAR1")
    (folder / "notes.txt").write_text("not rows")
    assert _ids(str(tmp_path), AT, AT + DAY) == ["r"]
    (folder / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"torn\.parquet is no file of a prediction log, or is damaged or half"):
        read_log(str(tmp_path), AT, AT + DAY)
    (folder / "torn.parquet").write_bytes(_content(pa.table({"request_id": ["r"]})))
    with pytest.raises(
        DataError, match=r"torn\.parquet is no file of a prediction log: it has no column 'received_at'"
    ):
        read_log(str(tmp_path), AT, AT + DAY)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_read__a_file_that_is_half_written_is_named(tmp_path: Path, share: float) -> None:
    """By whoever copies a log: the writer's own appear whole or not at all."""
    content = _content(_table())
    write_bytes(join(str(tmp_path), f"date={AT:%Y-%m-%d}", "063000-half.parquet"), content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"063000-half\.parquet is no file .* half-written: take it out of the log \("):
        read_log(str(tmp_path), AT, AT + DAY)


def test_read__a_file_of_which_bytes_are_damaged_is_named(tmp_path: Path) -> None:
    content = bytearray(_content(pa.concat_tables([_table(request_id=f"{i:064x}") for i in range(200)])))
    content[200:1_200] = b"\xff" * 1_000
    write_bytes(join(str(tmp_path), f"date={AT:%Y-%m-%d}", "063000-bad.parquet"), bytes(content))
    with pytest.raises(DataError, match=r"063000-bad\.parquet is no file of a prediction log, or is damaged"):
        read_log(str(tmp_path), AT, AT + DAY)


def test_read__a_copy_of_a_file_would_count_twice(tmp_path: Path) -> None:
    for day in (AT, AT + DAY):
        for name in ("1.parquet", "2.parquet"):
            content = _content(_table(day, request_id=f"{day:%d} {name}"))
            write_bytes(join(str(tmp_path), f"date={day:%Y-%m-%d}", name), content)
    assert len(_ids(str(tmp_path), AT, AT + 2 * DAY)) == 4
    folder = tmp_path / f"date={AT:%Y-%m-%d}"
    (folder / "2 (1).parquet").write_bytes((folder / "2.parquet").read_bytes())
    with pytest.raises(DataError, match=r"2\.parquet and .*2 \(1\)\.parquet are the same file, and its rows would"):
        read_log(str(tmp_path), AT, AT + 2 * DAY)


def test_read__a_log_of_the_former_schema_beside_todays(tmp_path: Path) -> None:
    """Renamed columns keep their values, later ones are null."""
    former = {name: [None] for name in _FORMER_SCHEMA.names} | {
        "request_id": ["former"],
        "client_request_id": ["walk-17"],
        "received_at": [AT],
        "recording": [0],
        "bundle_name": ["b"],
        "bundle_version": ["1"],
        "manifest_sha256": ["m"],
        "spec_sha256": ["s"],
        "start_s": [0.0],
        "end_s": [5.0],
        "top_codes": [["a", "b"]],
        "top_probabilities": [[0.75, 0.25]],
        "named_codes": [["a"]],
    }
    _write(str(tmp_path), AT + timedelta(hours=1), request_id="todays", bundle_sha256="n")
    table = pa.table(former, schema=_FORMER_SCHEMA)
    (tmp_path / "date=2026-05-17" / "former.parquet").write_bytes(_content(table))
    read = read_log(str(tmp_path), AT, AT + DAY)
    assert read.schema == SCHEMA
    assert read["request_id"].to_pylist() == ["former", "todays"]
    assert read["bundle_sha256"].to_pylist() == ["m", "n"]
    assert read["detected_codes"].to_pylist() == [["a"], ["a"]]
    assert read["client_request_id"].to_pylist() == ["walk-17", None]
    renamed = ("bundle_sha256", "detected_codes")
    later = [name for name in SCHEMA.names if name not in _FORMER_SCHEMA.names and name not in renamed]
    assert len(later) == 16
    assert read.slice(0, 1).select(later).to_pylist() == [dict.fromkeys(later)]


def test_read__a_log_of_a_later_version_has_columns_that_are_left_out(tmp_path: Path) -> None:
    later = _table().append_column("model_mood", pa.array(["good"]))
    write_bytes(join(str(tmp_path), "date=2026-05-17/later.parquet"), _content(later))
    assert read_log(str(tmp_path), AT, AT + DAY).column_names == SCHEMA.names


def _follower(place: Path | str) -> LogFollower:
    return LogFollower(str(place), AT - DAY, ["request_id", "detected_codes"])


def _new_ids(follower: LogFollower) -> list[str]:
    return list(follower.new_rows()["request_id"].to_pylist())


def test_follower__gives_each_row_once_by_time_whichever_server_wrote_it_later(tmp_path: Path) -> None:
    follower = _follower(tmp_path)
    _write(str(tmp_path), AT, request_id="second")
    _write(str(tmp_path), AT - timedelta(minutes=1), request_id="first")
    assert _new_ids(follower) == ["first", "second"]
    assert _new_ids(follower) == []
    # Of the day before, by a server whose place was away for hours.
    _write(str(tmp_path), AT - timedelta(hours=20), request_id="late")
    _write(str(tmp_path), AT - 2 * DAY, request_id="before")
    assert _new_ids(follower) == ["late"]


def test_follower__reads_no_file_twice_and_none_of_days_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    read_bytes = reader.read_bytes
    monkeypatch.setattr(reader, "read_bytes", lambda uri: (read.append(uri), read_bytes(uri))[1])
    for days in range(5):
        _write(str(tmp_path), AT - days * DAY, request_id=f"{days}")
    follower = _follower(tmp_path)
    for _ in range(3):
        follower.new_rows()
    assert len(read) == len(set(read)) == 2


def test_follower__a_folder_that_is_not_there_yet_has_no_rows(tmp_path: Path) -> None:
    follower = _follower(tmp_path / "log")
    assert _new_ids(follower) == []
    _write(str(tmp_path / "log"), AT, request_id="r")
    assert _new_ids(follower) == ["r"]


def test_follower__a_file_that_could_not_be_read_is_not_lost(tmp_path: Path) -> None:
    follower = _follower(tmp_path)
    folder = tmp_path / f"date={AT:%Y-%m-%d}"
    folder.mkdir()
    (folder / "1.parquet").write_bytes(b"half")
    with pytest.raises(DataError, match="no file of a prediction log"):
        follower.new_rows()
    pq.write_table(_table(request_id="r"), folder / "1.parquet")
    assert _new_ids(follower) == ["r"]


def test_answered__leaves_out_requests_that_failed_and_keeps_logs_without_a_status() -> None:
    rows = pa.concat_tables([_table(status=status, request_id=str(status)) for status in ("ok", "503", None)])
    assert answered(rows)["request_id"].to_pylist() == ["ok", "None"]


def test_reader__reads_each_day_once_whatever_stretches_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = [AT + n * DAY for n in range(4)]
    for number, moment in enumerate(moments):
        _write(str(tmp_path), moment, request_id=f"r{number}")
    read: list[str] = []
    monkeypatch.setattr(reader, "read_bytes", lambda uri: read.append(uri) or Path(uri).read_bytes())
    log = LogReader(str(tmp_path), ["request_id"])

    def ids(first: datetime, last: datetime) -> list[str]:
        rows = log.rows(first, last)
        assert rows.column_names == ["request_id"]
        assert rows.equals(read_log(str(tmp_path), first, last, ["request_id"]))
        return rows["request_id"].to_pylist()

    assert ids(MIDNIGHT, MIDNIGHT + 2 * DAY) == ["r0", "r1"]
    assert ids(AT + timedelta(seconds=1), MIDNIGHT + 4 * DAY) == ["r1", "r2", "r3"]
    assert ids(MIDNIGHT, MIDNIGHT) == []
    # Those of the reader, and those of each `read_log` beside it.
    assert len(read) == 4 + 2 + 4
