"""The operator's month: tables, page, and what it owns up to."""

from __future__ import annotations

import csv
import json
import re
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from silencio.feedback import Judgement, table_of
from tests.monitoring.ecology.made_place import CODES, DAWN, Place, judgement, made_place, run, write_log
from tests.unit.ecology.made_log import recording, table


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return made_place(tmp_path_factory.mktemp("month"))


@pytest.fixture(scope="module")
def out(place: Place) -> Path:
    """What the command writes, with some judgements."""
    judgements = place.write(
        "judgements.jsonl",
        [
            judgement("walk1", 1, CODES[1], "absent"),
            judgement("walk2", 0, CODES[4], "present"),
            # Relabelled: one species goes, another comes.
            judgement("walk4", 1, CODES[1], "absent"),
            judgement("walk4", 1, CODES[0], "present"),
        ],
    )
    out = place.root / "out"
    benchmark = ("--benchmark-species", "3", "--benchmark-minutes", "2")
    assert run(["month", *place.options("--judgements", judgements, "--out", out), *benchmark]) == 0
    return out


def _rows(path: Path, **where: str) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if all(row[key] == value for key, value in where.items())]


def test_summary__sessions_requests_and_species(out: Path) -> None:
    (row,) = _rows(out / "summary.csv", by="all")
    assert (row["n_sessions"], row["n_sessions_of_60_s"], row["n_requests"], row["n_failed_requests"]) == (
        "12",
        "12",
        "25",
        "1",
    )
    assert row["minutes_per_session"] == "1.5"
    # Each walk has two species and one of three; two lost the third, and one of these got another one.
    assert float(row["species_per_session"]) == pytest.approx((3 * 12 - 1) / 12, abs=1e-4)
    assert float(row["species_per_session_low"]) < float(row["species_per_session"])
    assert float(row["spotting_rate_pooled"]) == pytest.approx(5 / 12, abs=1e-4)
    assert float(row["species_in_10_sessions"]) < 5 < float(row["species_in_10_sessions"]) + 0.5
    assert (row["n_confirmed"], row["n_corrected"], row["n_rejected"]) == ("1", "1", "2")


def test_summary__by_trail_season_and_bundle(out: Path) -> None:
    names = [(row["by"], row["group"], row["n_sessions"]) for row in _rows(out / "summary.csv")]
    assert names == [
        ("all", "all", "12"),
        ("trail", "North trail", "8"),
        ("trail", "Río", "4"),
        ("season", "rainy", "12"),
        ("bundle", "0-placeholder", "12"),
    ]
    # Four sessions are too few for ten, and nothing is made up.
    assert _rows(out / "summary.csv", group="Río")[0]["species_in_10_sessions"] == ""


def test_activity__has_effort_and_empty_rates_where_nothing_was_recorded(out: Path) -> None:
    hours = {row["local_hour"]: row for row in _rows(out / "activity_by_hour.csv", trail="North trail", code=CODES[1])}
    # The recorder runs at 19:40 each evening but one.
    assert float(hours["19"]["recorded_hours"]) * 60 == pytest.approx(11, abs=1e-3)
    assert float(hours["19"]["detections_per_recorded_hour"]) == pytest.approx(5 / 11 * 60, rel=1e-3)
    assert hours["12"]["detections_per_recorded_hour"] == ""
    days = _rows(out / "activity_by_day.csv", trail="all")
    assert len(days) == 31
    assert {row["detections_per_recorded_hour"] for row in days[12:]} == {""}


def test_benchmark__by_trail_and_season(out: Path) -> None:
    rows = _rows(out / "benchmark.csv")
    assert [(row["trail"], row["season"], row["benchmark_species"]) for row in rows] == [
        ("North trail", "rainy", "3"),
        ("Río", "rainy", "3"),
    ]
    assert all(row["minutes_to_benchmark_species"] for row in rows)


def test_species__have_their_counts(out: Path) -> None:
    (row,) = _rows(out / "species.csv", trail="all", code=CODES[4])
    assert (row["n_sessions"], row["n_recordings"], row["first_day"]) == ("12", "12", "2026-05-01")
    assert row["n_confirmed"] == "1"


def test_page__is_one_file_that_needs_nothing_else_and_owns_up(out: Path) -> None:
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)
    assert "others are what a model found, right or wrong" in page
    assert "What may not be concluded" in page
    assert "It falls as sessions become more" in page


def test_page__names_nobody_trusts_are_text(place: Place, tmp_path: Path) -> None:
    title = "<script>alert(1)</script>"
    assert run(["month", *place.options("--out", tmp_path, "--title", title)]) == 0
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "Nobody has listened to any of the" in page


def test_month__the_same_log_gives_the_same_bytes(place: Place, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run(["month", *place.options("--out", tmp_path / name)]) == 0
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_months__stand_side_by_side(tmp_path: Path) -> None:
    place = made_place(tmp_path)
    june = recording([CODES[2]], at=DAWN + timedelta(days=40), duration_s=60, session_id="june", site_id="rio")
    write_log(place.log, table(june), "2026-06-10")
    rows = [Judgement.model_validate_json(json.dumps(judgement("walk2", 0, CODES[4], "absent")), strict=False)]
    pq.write_table(table_of(rows), tmp_path / "judgements.parquet")
    options = place.options("--judgements", tmp_path / "judgements.parquet", "--out", tmp_path / "out")
    options.insert(options.index("2026-05"), "2026-06")
    assert run(["month", *options]) == 0
    rows_of_all = _rows(tmp_path / "out" / "summary.csv", by="all")
    assert [(row["month"], row["n_sessions"], row["n_rejected"]) for row in rows_of_all] == [
        ("2026-05", "12", "1"),
        ("2026-06", "1", "0"),
    ]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "Months compared" in page
    assert "<h1>Species on the trails, 2026-06</h1>" in page


def test_month__tells_what_it_found(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["month", *place.options("--out", tmp_path, "--site", "rio")]) == 0
    told = capsys.readouterr()
    assert "2026-05: 4 sessions of a minute or more (of 4)" in told.out
    assert told.out.endswith(f"{tmp_path / 'index.html'}\n")
