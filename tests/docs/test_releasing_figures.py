"""Figures of docs/releasing.md: what the rules say that they see, and how exact a share is that chance deals out."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from silencio.release.evidence import ArmCounts, ArmHealth, Evidence, Interval, Pairs, Replay, SpeciesPair
from silencio.release.policy import ReleasePolicy
from silencio.release.rule import percent
from silencio.release.rules import apply_rules

PAGE = (Path(__file__).parents[2] / "docs" / "releasing.md").read_text(encoding="utf-8")
POLICY = ReleasePolicy.shipped()
N_SPECIES = 30


def _cells(first: str) -> list[str]:
    """Cells of the first row whose first cell is this: rules also stand among what holds a release."""
    line, *_ = re.findall(rf"^ *\| {re.escape(first)} \|(.*)\|$", PAGE, re.MULTILINE)
    return [cell.strip() for cell in line.split("|")]


def _end_of_the_first_step() -> Evidence:
    """As the page describes it; the challenger's own events, which decide nothing here, are none."""
    champion = ArmCounts(requests=5_700, units=5_700, failed_units=11, rejected_units=11, slow_units=285)
    right = np.ones((2, POLICY.min_replay), np.int8)
    right[0, :8], right[1, 8:15] = 0, 0
    health = ArmHealth(parity_passed=True, ready_s=POLICY.min_s, resident_bytes=5e8, cpu_s_per_window=0.01)
    challenger = ArmCounts(requests=300, units=300)
    return Evidence(
        step=1,
        target_share=POLICY.steps[1] / 100,
        in_step_s=POLICY.min_s,
        intervals=(Interval(step=1, share=0.05, began_s=0.0, ended_s=1.0, champion=champion, challenger=challenger),),
        slow_bound_s=0.5,
        replay=Replay(champion_right=right[0], challenger_right=right[1]),
        pairs=Pairs(
            disagreement=np.zeros(POLICY.min_replay),
            species={str(code): SpeciesPair(both=5, only_champion=1) for code in range(N_SPECIES)},
            top_probability=np.full((POLICY.min_replay, 2), 0.8),
        ),
        champion=health,
        challenger=health,
    )


VERDICTS = {one.rule: one for one in apply_rules(POLICY, _end_of_the_first_step())}


# How far the mean top probability shifts by chance is a matter of the recordings.
@pytest.mark.parametrize("rule", [rule for rule in POLICY.rules if rule != "confidence"])
def test_rule__row_has_the_smallest_effect_that_its_verdict_prints(rule: str) -> None:
    assert VERDICTS[rule].outcome == "pass"
    assert _cells(f"`{rule}`")[-1] == VERDICTS[rule].smallest_visible


def _off_by_more_than(points: float, n: int, share: float) -> float:
    """Probability that of n sessions, each drawn by itself, the share is so many points off."""
    low, high = math.ceil(n * (share - points) - 1e-9), math.floor(n * (share + points) + 1e-9)
    return float(binom.cdf(low - 1, n, share) + binom.sf(high, n, share))


@pytest.mark.parametrize("share", [step / 100 for step in POLICY.steps[1:-1]])
def test_share__row_has_what_chance_leaves(share: float) -> None:
    at_2_000, from_n = _cells(f"{100 * share:g} %")
    assert at_2_000 == f"in {percent(_off_by_more_than(0.02, 2_000, share))} of releases"
    sizes = range(100, 12_000, 100)
    more = max(n for n in sizes if _off_by_more_than(0.02, n, share) > 0.001) + 100
    assert from_n == f"{more:,} sessions"
