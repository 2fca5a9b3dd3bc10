import numpy as np
import torch

from silencio.models.supervisors.weighted_average import WeightedAverage, WeightedAverageConfig


def test_fit__believes_the_better_head_more() -> None:
    target = np.eye(4)
    good, bad = 0.7 * target + 0.1, np.full((4, 4), 0.25)
    weights = WeightedAverage.fit([good, bad], target, WeightedAverageConfig(shrinkage=0.0)).weights
    assert weights[0] > 0.95


def test_shrinkage__of_one_is_the_plain_average() -> None:
    target = np.eye(4)
    weights = WeightedAverage.fit([target, 1 - target], target, WeightedAverageConfig(shrinkage=1.0)).weights
    assert np.allclose(weights, 0.5)


def test_weights__are_a_convex_combination() -> None:
    rng = np.random.default_rng(0)
    scores = [rng.dirichlet(np.ones(5), 20) for _ in range(3)]
    weights = WeightedAverage.fit(scores, np.eye(5)[rng.integers(5, size=20)], WeightedAverageConfig()).weights
    assert np.isclose(sum(weights), 1.0)
    assert min(weights) >= 0


def test_forward__is_the_weighted_sum() -> None:
    one, two = torch.tensor([[0.2, 0.8]]), torch.tensor([[0.6, 0.4]])
    assert torch.allclose(WeightedAverage([0.25, 0.75])([one, two]), torch.tensor([[0.5, 0.5]]))
