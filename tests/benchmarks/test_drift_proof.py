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
    assert (right <= set(days[0]["causes"])) >= (KEPT["cases"][name]["first_day_all_right_share"] == 1.0)


def test_page__has_what_was_found() -> None:
    text = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- drift -->\n")
    table, _, _ = rest.partition("\n<!-- /drift -->")
    assert table.splitlines() == page(KEPT)
