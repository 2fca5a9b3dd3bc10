"""The weighted average believes each head as much as held-out recordings say."""

import json

import numpy as np
import torch

from silencio.models.supervisors.weighted_average import WeightedAverage, WeightedAverageConfig


def test_fit__believes_the_better_head_more() -> None:
    target = np.eye(4)
    good, bad = 0.7 * target + 0.1, np.full((4, 4), 0.25)
    scores = np.stack([good, bad])
    weights = WeightedAverage.fit(scores, target, WeightedAverageConfig(shrinkage=0.0), seed=0).weights
    assert weights[0] > 0.95


def test_shrinkage__of_one_is_the_plain_average() -> None:
    target = np.eye(4)
    scores = np.stack([target, 1 - target])
    weights = WeightedAverage.fit(scores, target, WeightedAverageConfig(shrinkage=1.0), seed=0).weights
    assert np.allclose(weights, 0.5)


def test_weights__are_a_convex_combination() -> None:
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(5), (3, 20))
    weights = WeightedAverage.fit(scores, np.eye(5)[rng.integers(5, size=20)], WeightedAverageConfig(), seed=0).weights
    assert np.isclose(sum(weights), 1.0)
    assert min(weights) >= 0


def test_forward__is_the_weighted_sum() -> None:
    scores = torch.tensor([[[0.2, 0.8]], [[0.6, 0.4]]])
    assert torch.allclose(WeightedAverage([0.25, 0.75])(scores), torch.tensor([[0.5, 0.5]]))


def test_join__is_forward_on_arrays() -> None:
    scores = np.array([[[0.2, 0.8]], [[0.6, 0.4]]])
    joined = WeightedAverage([0.25, 0.75]).join(scores)
    assert joined.dtype == np.float32
    np.testing.assert_allclose(joined, [[0.5, 0.5]], atol=1e-6)


def test_restore__is_the_inverse_of_facts() -> None:
    facts = json.loads(json.dumps(dict(WeightedAverage([0.25, 0.75]).facts())))
    assert WeightedAverage.restore(facts).weights == [0.25, 0.75]
