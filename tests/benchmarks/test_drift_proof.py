"""What the made-up reserves showed: a few of them anew, the kept result, and the page that tells it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.drift.trials import days_of_case
from benchmarks.proofs.drift import N_MONTHS, N_YEARS, SEEDS, cases, page, upper_rate

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "benchmarks" / "results" / "proofs" / "drift.json"
KEPT = json.loads(RESULT.read_text(encoding="utf-8"))["result"]
RUNS = json.loads(RESULT.with_name("drift-months.json").read_text(encoding="utf-8"))["result"]
PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")


def test_result__is_of_every_case_month_and_year() -> None:
    assert list(KEPT["cases"]) == list(cases())
    assert KEPT["n_reserves"] == len(SEEDS)
    assert (KEPT["months"]["n"], len(KEPT["years"])) == (N_MONTHS, N_YEARS)
    assert N_MONTHS >= 50


def test_result__of_undisturbed_months_is_at_most_one_alert_a_month_with_95_percent_confidence() -> None:
    n_alerts = sum(KEPT["months"]["alerts"].values())
    assert KEPT["months"]["alerts_per_month_at_most"] == upper_rate(n_alerts, N_MONTHS)
    assert KEPT["months"]["alerts_per_month_at_most"] <= 1.0


def test_result__of_a_month_is_within_five_minutes_and_four_gigabytes() -> None:
    month = KEPT["cost"]["months"]["1"]
    assert month["n_windows"] == 518_400
    assert month["processor_s"] <= 300
    assert all(one["peak_memory_mb"] <= 4_000 for one in KEPT["cost"]["months"].values())


@pytest.mark.parametrize("name", ["nothing", "gain 7", "release 0.05"])
def test_result__is_what_the_code_finds_now(name: str) -> None:
    days = days_of_case(cases()[name], SEEDS[0], n_days=1)
    right = set(KEPT["cases"][name]["right"])
    assert set(days[0]["causes"]) == right


def test_page__has_undisturbed_months_and_what_verdicts_cost() -> None:
    words = " ".join(PAGE.split())
    months, cost = KEPT["months"], KEPT["cost"]["months"]
    days = ", ".join(f"{cause} {count}" for cause, count in months["days"].items())
    assert (
        f"Undisturbed months: {months['n']}, with {sum(months['alerts'].values())} alerts, at most "
        f"{months['alerts_per_month_at_most']:g} a site and month with 95 % confidence (days with a cause: {days})."
    ) in words
    assert f"{cost['1']['processor_s']:g} s of one core and {cost['1']['peak_memory_mb']} MB" in words
    assert f"six months {cost['6']['processor_s']:g} s and {cost['6']['peak_memory_mb']} MB" in words


def test_runs__of_a_month_are_within_five_minutes_and_four_gigabytes() -> None:
    """Reading, verdicts, Evidently's pages and ours: thirty days, of which the reference's first have none."""
    assert RUNS["windows_a_month"] == 518_400 and RUNS["with_evidently"]
    months = RUNS["months"]
    a_month_s = months["3"]["wall_s"] - months["2"]["wall_s"]
    assert a_month_s <= 300
    assert max(one["peak_memory_mb"] for one in months.values()) <= 4_000
    words = " ".join((ROOT / "docs" / "drift_runs.md").read_text(encoding="utf-8").split())
    assert f"{RUNS['files_a_day']} files a day" in words
    assert f"takes {a_month_s:.0f} s of one core and at most {months['3']['peak_memory_mb']} MB" in words


def test_page__has_what_was_found() -> None:
    text = PAGE
    _, _, rest = text.partition("<!-- drift -->\n")
    table, _, _ = rest.partition("\n<!-- /drift -->")
    assert table.splitlines() == page(KEPT)
