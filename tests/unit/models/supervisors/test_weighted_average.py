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
    joined = WeightedAverage([0.25, 0.75]).combine(scores)
    assert joined.dtype == np.float32
    np.testing.assert_allclose(joined, [[0.5, 0.5]], atol=1e-6)


def test_restore__is_the_inverse_of_facts() -> None:
    facts = json.loads(json.dumps(dict(WeightedAverage([0.25, 0.75]).facts())))
    assert WeightedAverage.restore(facts).weights == [0.25, 0.75]


def test_geometric__is_the_product_of_heads_with_the_sum_dealt_anew() -> None:
    scores = torch.tensor([[[0.2, 0.8]], [[0.6, 0.4]]])
    product = torch.tensor([[0.2**0.25 * 0.6**0.75, 0.8**0.25 * 0.4**0.75]])
    assert torch.allclose(WeightedAverage([0.25, 0.75], "geometric")(scores), product / product.sum())


def test_geometric__a_head_that_rules_a_class_out_is_heard() -> None:
    scores = torch.tensor([[[0.98, 0.02]], [[0.0, 1.0]]])
    assert WeightedAverage([0.5, 0.5])(scores)[0, 0] > 0.4
    assert WeightedAverage([0.5, 0.5], "geometric")(scores)[0, 0] < 0.05


def test_geometric__classes_that_are_judged_alone_stay_probabilities() -> None:
    scores = torch.tensor([[[0.9, 0.9, 0.0]], [[0.9, 0.9, 0.9]]])
    assert WeightedAverage([0.5, 0.5], "geometric")(scores).max() <= 1.0


def test_geometric__of_one_head_is_that_head() -> None:
    scores = torch.tensor([[[0.2, 0.3, 0.0]]])
    assert torch.equal(WeightedAverage([1.0], "geometric")(scores), scores[0])


def test_fit__weights_are_those_of_the_mean_that_is_used() -> None:
    rng = np.random.default_rng(0)
    target = np.eye(5)[rng.integers(5, size=40)]
    # Both know something, the second more.
    logits = np.stack([reach * target + rng.standard_normal(target.shape) for reach in (1.5, 2.5)])
    scores = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    fitted = {}
    for mean in ("arithmetic", "geometric"):
        config = WeightedAverageConfig(mean=mean, shrinkage=0.0)
        supervisor = WeightedAverage.fit(scores, target, config, seed=0)
        fitted[mean] = supervisor.weights[1]
        joined = supervisor.combine(scores)
        found = -np.log(joined[target > 0]).mean()
        for other in (0.2, 0.5, 0.8, 0.99):
            shown = WeightedAverage([1 - other, other], mean).combine(scores)
            assert found <= -np.log(shown[target > 0]).mean() + 1e-6
    assert fitted["arithmetic"] != fitted["geometric"]


def test_geometric__is_kept_and_restored() -> None:
    supervisor = WeightedAverage([0.25, 0.75], "geometric")
    facts = json.loads(json.dumps(dict(supervisor.facts())))
    scores = np.random.default_rng(0).dirichlet(np.ones(4), (2, 3))
    np.testing.assert_array_equal(WeightedAverage.restore(facts).combine(scores), supervisor.combine(scores))
