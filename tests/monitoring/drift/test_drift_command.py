"""`silencio drift` as it is typed: wrong input is one sentence and an exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from monitoring.cli.drift import configure
from silencio.command import command
from tests.monitoring.drift.made_documents import made_document
from tests.monitoring.drift.made_log import FIRST, day_rows, days_from, quiet_days, write_log

DAYS = days_from(FIRST, 9)
Drift = Callable[..., tuple[int, str, str]]


@pytest.fixture
def drift(capsys: pytest.CaptureFixture[str]) -> Drift:
    """The command's status, output and errors."""
    import argparse

    def run(*words: object) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser()
        configure(parser)
        options = parser.parse_args([str(word) for word in words])
        status = command(lambda: options.run(options))()
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One site, nine days."""
    write_log(str(tmp_path / "log"), *quiet_days(9))
    return tmp_path / "log"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """One that never saw a recording."""
    # Where it is used: environments without onnx collect this file, too.
    from silencio.bundle.placeholder import write_placeholder_bundle

    return write_placeholder_bundle(tmp_path / "bundle")


def day_of(log: Path, out: Path, day: object = DAYS[8], *more: object) -> tuple[object, ...]:
    return ("run", "--log", log, "--out", out, "--day", day, "--no-evidently", "--catch-up", 0, *more)


def refusal(error: str) -> str:
    """The only line of standard error."""
    assert error.count("\n") == 1 and error.startswith("error: "), error
    return error.removeprefix("error: ").strip()


def test_run__prints_a_line_a_site_and_where_it_wrote(drift: Drift, log: Path, tmp_path: Path) -> None:
    status, out, err = drift(*day_of(log, tmp_path / "out"))
    assert (status, err) == (0, "")
    assert out.startswith("north: Nothing changed") and out.endswith(f"date={DAYS[8]}/drift.json\n")
    # By the clock of nobody but the document's own time.
    assert drift("report", "--place", tmp_path / "out")[1].splitlines()[0].endswith("index.html")


def test_log__that_is_empty(drift: Drift, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    status, out, err = drift(*day_of(tmp_path / "log", tmp_path / "out"))
    assert (status, out) == (3, "")
    assert "has no recording of 2026-05-09" in refusal(err)
    assert not (tmp_path / "out").exists()


def test_log__that_is_not_there_may_be_away_for_a_while(drift: Drift, tmp_path: Path) -> None:
    status, _, err = drift(*day_of(tmp_path / "log", tmp_path / "out"))
    assert status == 1 and "cannot be listed" in refusal(err)


def test_log__of_one_device_has_a_verdict(drift: Drift, tmp_path: Path) -> None:
    write_log(str(tmp_path / "log"), *(day_rows(day, devices=("am-1",)) for day in DAYS))
    status, out, _ = drift(*day_of(tmp_path / "log", tmp_path / "out"))
    assert status == 0 and "north: Nothing changed" in out


def test_month__without_a_reference(drift: Drift, tmp_path: Path) -> None:
    write_log(str(tmp_path / "log"), *quiet_days(3))
    status, out, _ = drift(*day_of(tmp_path / "log", tmp_path / "out", DAYS[2]))
    assert status == 4 and "has no field reference yet: it takes 7 days" in out
    assert (tmp_path / "out" / f"date={DAYS[2]}" / "index.html").is_file()


@pytest.mark.parametrize("year", [1970, 2039])
def test_clocks__that_all_jumped(drift: Drift, tmp_path: Path, year: int) -> None:
    rows = day_rows(DAYS[0], recorded_at=datetime(year, 1, 1, tzinfo=UTC))
    write_log(str(tmp_path / "log"), rows)
    status, _, err = drift(*day_of(tmp_path / "log", tmp_path / "out", DAYS[0]))
    assert status == 3
    assert "all 360 claim to be of before 2005 or of the future; set the recorders' clocks" in refusal(err)


def test_clock__of_one_device_that_jumped_is_a_note(drift: Drift, log: Path, tmp_path: Path) -> None:
    jumped = day_rows(DAYS[8], devices=("am-9",), recorded_at=datetime(1970, 1, 1, tzinfo=UTC))
    write_log(str(log), jumped)
    status, _, err = drift(*day_of(log, tmp_path / "out"))
    assert status == 0 and "note: north, 2026-05-09: The clock of am-9 is wrong: 120 of its recordings" in err
    assert "The clock of am-9 is wrong" in (tmp_path / "out" / f"date={DAYS[8]}" / "site=north.html").read_text()


def test_file__of_the_log_that_is_half_written(drift: Drift, log: Path, tmp_path: Path) -> None:
    (file, *_) = sorted((log / f"date={DAYS[8]}").iterdir())
    file.write_bytes(file.read_bytes()[:-500])
    status, _, err = drift(*day_of(log, tmp_path / "out"))
    assert status == 2 and f"{file} is no file of a prediction log" in refusal(err)
    assert not (tmp_path / "out").exists()


def test_bundle__that_did_not_answer(drift: Drift, log: Path, bundle: Path, tmp_path: Path) -> None:
    status, _, err = drift(*day_of(log, tmp_path / "out", DAYS[8], "--bundle", bundle))
    assert status == 2
    assert "is bundle 0-placeholder, and the day was answered by 12" in refusal(err)


def test_bundle__that_is_none(drift: Drift, log: Path, tmp_path: Path) -> None:
    status, _, err = drift(*day_of(log, tmp_path / "out", DAYS[8], "--bundle", tmp_path))
    assert status == 2 and "is no bundle" in refusal(err)


def test_bundle__without_validation_data(drift: Drift, bundle: Path, tmp_path: Path) -> None:
    write_log(str(tmp_path / "log"), *(day_rows(day, version="0-placeholder") for day in DAYS))
    status, _, err = drift(*day_of(tmp_path / "log", tmp_path / "out", DAYS[8], "--bundle", bundle))
    assert status == 2 and "has no reference.parquet" in refusal(err)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--policy", "policy.yaml"), "policy.yaml: drift policy: reference: Field required"),
        (("--actions", "actions.yaml"), "actions.yaml: when: "),
        (("--reviews", "reviews.jsonl"), "reviews.jsonl: line 1: detection_or_window_id: Field required"),
        (("--reviews", "reviews.parquet"), "reviews.parquet is no Parquet, or half of one"),
        (("--site", "east"), "the log has no site 'east'; it has north"),
        (("--leave-out", "yesterday"), "'yesterday' is no day"),
        (("--webhook-secret", "policy.yaml"), "name both, or neither"),
        (("--recordings", "nowhere"), "there is no such folder"),
        (("--webhook", "http://127.0.0.1:1/", "--webhook-secret", "empty"), "is empty"),
    ],
)
def test_option__that_is_wrong(
    drift: Drift,
    log: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text("day_parts: {dawn_h: [1, 2], dusk_h: [1, 2]}\n")
    Path("actions.yaml").write_text("when: always\n")
    Path("reviews.jsonl").write_text('{"id": "1"}\n')
    Path("reviews.parquet").write_bytes(b"PAR1half")
    Path("empty").write_text("\n")
    status, _, err = drift(*day_of(log, tmp_path / "out", DAYS[8], *options))
    assert status == 2 and message in refusal(err)


def test_day__that_is_none(drift: Drift, log: Path, tmp_path: Path) -> None:
    status, _, err = drift(*day_of(log, tmp_path / "out", "08.05.2026"))
    assert status == 2 and "'08.05.2026' is no day: one like 2026-05-08 is needed" in refusal(err)


def test_zone__that_is_none(drift: Drift, log: Path, tmp_path: Path) -> None:
    status, _, err = drift("run", "--log", log, "--out", tmp_path / "out", "--zone", "Mars/Olympus")
    assert status == 2 and "'Mars/Olympus' is no time zone" in refusal(err)


def test_alert__has_a_status_that_may_be_zero(drift: Drift, tmp_path: Path) -> None:
    louder = dict.fromkeys(("am-1", "am-2", "am-3"), 9.0)
    loud = days_from(DAYS[8] + timedelta(days=1), 3)
    write_log(str(tmp_path / "log"), *quiet_days(9), *(day_rows(day, louder_db=louder) for day in loud))
    words = ("run", "--log", tmp_path / "log", "--out", tmp_path / "out", "--day", loud[2], "--no-evidently")
    (tmp_path / "actions.yaml").write_text("actions: {weather_and_noise: look}\n")
    status, out, _ = drift(*words, "--actions", tmp_path / "actions.yaml")
    assert status == 10 and "(alert)" in out
    assert drift(*words, "--exit-zero")[0] == 0
    rows = [json.loads(line) for line in drift("actions", "--place", tmp_path / "out")[1].splitlines()]
    assert rows and {row["site"] for row in rows} == {"north"}
    assert drift("renew", "--place", tmp_path / "out", "--site", "north", "--from", loud[0], "--because", "x")[0] == 0


def test_report__of_a_place_without_verdicts(drift: Drift, tmp_path: Path) -> None:
    status, _, err = drift("report", "--place", tmp_path)
    assert status == 3 and "has no verdicts yet" in refusal(err)
    status, _, err = drift("report", "--place", tmp_path, "--day", "2026-05-08")
    assert status == 2 and "has no verdicts of 2026-05-08" in refusal(err)


def test_report__of_a_document_that_is_broken(drift: Drift, tmp_path: Path) -> None:
    (tmp_path / "date=2026-05-08").mkdir()
    (tmp_path / "date=2026-05-08" / "drift.json").write_text(made_document().model_dump_json()[:-20])
    status, _, err = drift("report", "--place", tmp_path)
    assert status == 2 and "is no drift.json of this version" in refusal(err)


def test_rows__of_failed_requests_alone_are_no_empty_day(drift: Drift, tmp_path: Path) -> None:
    failed = day_rows(DAYS[8])
    for name in ("start_s", "recorded_at", "recording_sha256", "rms_db"):
        field = failed.schema.field(name)
        failed = failed.set_column(failed.column_names.index(name), field, pa.nulls(len(failed), field.type))
    failed = failed.set_column(
        failed.column_names.index("status"), failed.schema.field("status"), pa.array(["400"] * len(failed))
    )
    write_log(str(tmp_path / "log"), *quiet_days(8), failed)
    status, out, _ = drift(*day_of(tmp_path / "log", tmp_path / "out"))
    assert status == 0 and "client" in out
