"""Paired comparisons: the same recordings, the same draws."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.evaluation.bootstrap import Bootstrap, interval
from silencio.evaluation.comparisons import Comparison, compare
from silencio.evaluation.metrics import average_precisions, mean_of_present

N, N_CLASSES = 120, 4
TRUTH = np.arange(N) % N_CLASSES
TARGET = np.eye(N_CLASSES)[TRUTH]
DRAWS = Bootstrap(N, 300)


def _model(rng: np.random.Generator, shared: NDArray[np.float64], signal: float) -> NDArray[np.float64]:
    """Two of these hear the same difficult recordings: most of their noise is common."""
    return signal * TARGET + shared + 0.3 * rng.standard_normal((N, N_CLASSES))


@pytest.fixture
def models() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((N, N_CLASSES))
    return _model(rng, shared, 1.5), _model(rng, shared, 1.2)


def test_compare__differences_are_ours_minus_theirs(models: tuple) -> None:
    ours, theirs = models
    of_map, of_top1 = compare("champion", ours, theirs, TARGET, TRUTH, DRAWS)
    maps = [mean_of_present(average_precisions(one, TARGET)) for one in (ours, theirs)]
    hits = [(one.argmax(axis=1) == TRUTH).mean() for one in (ours, theirs)]
    assert (of_map.metric, of_top1.metric) == ("macro_map", "top1")
    assert of_map.difference == pytest.approx(maps[0] - maps[1])
    assert of_top1.difference == pytest.approx(hits[0] - hits[1])
    assert {(one.other, one.n_recordings) for one in (of_map, of_top1)} == {("champion", N)}
    for one in (of_map, of_top1):
        assert one.difference > 0
        assert one.interval[0] < one.difference < one.interval[1]


def test_compare__the_other_way_round_is_the_mirror_image(models: tuple) -> None:
    there = compare("a", *models, TARGET, TRUTH, DRAWS)
    back = compare("b", *models[::-1], TARGET, TRUTH, DRAWS)
    for one, other in zip(there, back, strict=True):
        assert other.difference == pytest.approx(-one.difference)
        assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]))


def test_compare__a_model_with_itself_differs_by_nothing(models: tuple) -> None:
    for one in compare("itself", models[0], models[0], TARGET, TRUTH, DRAWS):
        assert (one.difference, one.interval) == (0.0, (0.0, 0.0))


def test_compare__pairing_narrows_the_interval_of_models_that_err_together(models: tuple) -> None:
    ours, theirs = models
    other_draws = Bootstrap(N, 300, seed=1)
    unpaired = [
        interval(DRAWS.macro_map(ours, TARGET) - other_draws.macro_map(theirs, TARGET)),
        interval(DRAWS.mean(ours.argmax(axis=1) == TRUTH) - other_draws.mean(theirs.argmax(axis=1) == TRUTH)),
    ]
    for paired, (low, high) in zip(compare("champion", ours, theirs, TARGET, TRUTH, DRAWS), unpaired, strict=True):
        assert paired.interval[1] - paired.interval[0] < 0.7 * (high - low)


def test_comparison__survives_json(models: tuple) -> None:
    for one in compare("champion", *models, TARGET, TRUTH, DRAWS):
        assert Comparison.of(json.loads(json.dumps(asdict(one)))) == one
