"""Figures of docs/explanations.md: those of the kept proof, and what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from silencio.explanations.regions import RegionGrid

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanations.md").read_text(encoding="utf-8")
KEPT = ROOT / "benchmarks" / "results" / "proofs" / "explanations.json"
FOUND: dict[str, dict[str, Any]] = json.loads(KEPT.read_text(encoding="utf-8"))["result"]


def n_scored(grid: RegionGrid) -> int:
    return 2 + grid.n_cells + 2 * sum(grid.shape)


@pytest.mark.parametrize("name", list(FOUND))
def test_page__has_the_proof_s_figures(name: str) -> None:
    one = FOUND[name]
    low, high = one["gain_interval"]
    cells = (
        f"{one['n_recordings']}",
        f"{one['area']:.2f}",
        f"{one['random_area']:.2f}",
        f"{one['gain']:.2f} ({low:.2f} to {high:.2f})",
        f"{100 * one['better_than_random_share']:.0f} %",
        f"{one['quiet_change_by_floor']:.3f}",
        f"{one['quiet_change_by_zeros']:.3f}",
    )
    row = re.search(rf"^\| {name}[^|]*\| (.*) \|$", PAGE, re.MULTILINE)
    assert row
    assert row[1] == " | ".join(cells)


@pytest.mark.parametrize("name", list(FOUND))
def test_proof__explanations_are_better_than_chance_and_the_floor_than_zeros(name: str) -> None:
    one = FOUND[name]
    assert one["gain_interval"][0] > 0.05
    assert one["quiet_change_by_floor"] < one["quiet_change_by_zeros"]


def test_page__counts_the_windows_as_the_code_does() -> None:
    assert n_scored(RegionGrid()) == 118
    assert {one["windows_scored_an_explanation"] for one in FOUND.values()} == {118}
    assert "118 windows to score (2 + 80 + 2 \N{MULTIPLICATION SIGN} 18)" in PAGE
    report = RegionGrid(n_freq_cells=6, n_time_cells=8)
    assert f"6 \N{MULTIPLICATION SIGN} 8 cells, {n_scored(report)} windows each" in PAGE
