"""Whether what predictions rest on has moved, of explanations that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from silencio.drift.document import Cause
from silencio.drift.importance import importance_change, not_looked_at, with_importance
from silencio.drift.policy import DriftPolicy
from silencio.explanations.summary import ImportanceSummary
from tests.monitoring.drift.made_documents import cause, importance, site

POLICY = DriftPolicy.shipped().importance


def summaries(n: int, hz: float = 2_000.0, spread_octaves: float = 0.1, seed: int = 0) -> list[ImportanceSummary]:
    octaves = spread_octaves * np.random.default_rng(seed).standard_normal(n)
    return [ImportanceSummary(hz * 2.0**one, 0.5, 0.1) for one in octaves]


def test_change__of_an_octave_is_beyond() -> None:
    found = importance_change({"grekis": summaries(16)}, {"grekis": summaries(16, 4_000.0, seed=1)}, POLICY)
    assert found.beyond and found.measure == "centroid_octaves" and found.n_windows == 16
    assert found.value == pytest.approx(1.0, abs=0.1) and found.threshold == POLICY.centroid_octaves
    assert "has moved" in found.message and "grekis" in found.message


def test_change__downwards_is_one_too() -> None:
    found = importance_change({"grekis": summaries(16)}, {"grekis": summaries(16, 1_000.0, seed=1)}, POLICY)
    assert found.beyond and found.value == pytest.approx(-1.0, abs=0.1)


@pytest.mark.parametrize("measure", ["bandwidth_octaves", "half_share"])
def test_change__is_of_the_measure_that_moved_furthest_over_its_threshold(measure: str) -> None:
    moved = {"bandwidth_octaves": 0.5, "half_share": 0.1} | {measure: 1.0}
    current = [ImportanceSummary(one.centroid_hz, **moved) for one in summaries(16, seed=1)]
    found = importance_change({"grekis": summaries(16)}, {"grekis": current}, POLICY)
    assert found.beyond and found.measure == measure


def test_change__that_the_reference_s_own_windows_make_is_none() -> None:
    wide = {"grekis": summaries(16, spread_octaves=1.5)}
    found = importance_change(wide, {"grekis": summaries(16, 4_000.0, 1.5, seed=1)}, POLICY)
    assert not found.beyond and found.threshold is not None and found.threshold > 1.0
    assert "is where it was" in found.message


def test_change__another_mix_of_species_is_none() -> None:
    """Medians over all species would move from 1 to 8 kHz."""
    reference = {"low": summaries(16, 1_000.0), "high": summaries(4, 8_000.0)}
    current = {"low": summaries(4, 1_000.0, seed=1), "high": summaries(16, 8_000.0, seed=2), "new": summaries(9)}
    found = importance_change(reference, current, POLICY)
    assert not found.beyond and abs(found.value or 0.0) < 0.2
    assert "high, low" in found.message and "new" not in found.message


def test_change__of_too_few_windows_was_not_looked_at() -> None:
    found = importance_change({"grekis": summaries(16)}, {"grekis": summaries(7, 4_000.0)}, POLICY)
    assert (found.measure, found.value, found.threshold, found.beyond, found.n_windows) == (None, None, None, False, 0)
    assert "7 windows" in found.message and f"{POLICY.min_windows} are needed" in found.message


def test_change__is_the_same_every_time() -> None:
    periods = ({"grekis": summaries(16)}, {"grekis": summaries(16, 3_000.0, 0.7, seed=1)})
    assert importance_change(*periods, POLICY) == importance_change(*periods, POLICY)


@pytest.mark.parametrize(("name", "has_it"), [("model_decay", True), ("microphone_or_site", True), ("release", False)])
def test_evidence__stands_under_causes_of_the_model_where_it_moved(name: Cause, has_it: bool) -> None:
    verdict = site(causes=(cause(cause=name),), importance=None)
    found = with_importance(verdict, importance())
    assert found.importance == importance()
    assert (importance().message in found.causes[0].evidence) == has_it
    within = with_importance(verdict, importance(beyond=False))
    assert within.causes == verdict.causes and within.importance is not None


def test_evidence__makes_no_cause_of_its_own() -> None:
    found = with_importance(site(causes=(), outcome="no_change"), importance())
    assert found.causes == () and found.outcome == "no_change"


def test_not_looked_at__is_a_sentence() -> None:
    assert not_looked_at("no bundle was given").message == (
        "What predictions rest on was not looked at: no bundle was given."
    )
