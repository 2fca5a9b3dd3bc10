"""Figures of docs/explanations.md: those of the kept proof, and what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from monitoring.drift.explained import GRID
from monitoring.drift.importance import MIN_OF_SPECIES
from monitoring.drift.typical_windows import MAX_SHOWN
from silencio.drift import DriftPolicy
from silencio.drift.importance import N_DRAWS, OF_THE_MODEL
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


def test_page__has_the_drift_verdict_s_bounds() -> None:
    policy = DriftPolicy.shipped().importance
    n_windows = policy.max_windows
    assert f"up to {n_windows} windows of the day" in PAGE
    times = "\N{MULTIPLICATION SIGN}"
    total = 2 * n_windows * n_scored(GRID)
    assert f"{n_windows} windows {times} 2 periods {times} {n_scored(GRID)} are {total:,} windows" in PAGE
    # The first of each window tells which species is the most probable.
    assert f"at most {MAX_SHOWN} {times} {n_scored(GRID) + 1}" in PAGE
    assert MIN_OF_SPECIES == 4 and "each at least four times in both" in PAGE
    assert (policy.centroid_octaves, policy.bandwidth_octaves, policy.half_share) == (0.5, 0.5, 0.15)
    assert policy.min_spreads == 4.0 and "four standard deviations" in PAGE
    assert f"drawn twice, {N_DRAWS} times" in PAGE
    for cause in OF_THE_MODEL:
        assert f"`{cause}`" in PAGE
