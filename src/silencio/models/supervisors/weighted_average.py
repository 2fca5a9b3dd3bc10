"""weighted_average: the supervisor that weights each head as held-out recordings warrant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
import scipy.optimize
import torch
from numpy.typing import NDArray
from pydantic import Field

from silencio.models.supervisor import Supervisor, SupervisorConfig

Mean = Literal["arithmetic", "geometric"]
# Less than what a float32 softmax still tells apart, and far below what a head is ever right about.
_MIN_PROBABILITY = 1e-6


class WeightedAverageConfig(SupervisorConfig):
    """How the weights are found.

    Attributes:
        mean: `arithmetic` averages probabilities: one sure head is enough. `geometric` averages their logarithms and
            deals the sum anew among the classes: heads must agree (a product of experts, Hinton 2002).
        shrinkage: 0 takes the weights that fit best, 1 the plain average. Between them, few recordings cannot silence
            a head.
    """

    kind: str = "weighted_average"
    mean: Mean = "arithmetic"
    shrinkage: float = Field(0.5, ge=0, le=1)


class WeightedAverage(Supervisor[WeightedAverageConfig]):
    """Convex combination of the heads' probabilities, or of their logarithms.

    Args:
        weights: One a head, at least 0, sum 1.
        mean: Kind of the mean.
    """

    Config: ClassVar[type[SupervisorConfig]] = WeightedAverageConfig

    def __init__(self, weights: list[float], mean: Mean = "arithmetic") -> None:
        super().__init__()
        self._weights = weights
        self._mean = mean

    @classmethod
    def fit(
        cls, scores: NDArray[np.floating], target: NDArray[np.floating], config: WeightedAverageConfig, seed: int
    ) -> Self:
        """The weights with the least log-loss of the labelled classes, drawn towards the plain average."""
        n_heads = len(scores)
        stacked = np.asarray(scores, np.float64)
        share = target / np.maximum(target.sum(axis=1, keepdims=True), 1e-9)

        def log_loss(raw: NDArray[np.float64]) -> float:
            mixed = _mixed(stacked, raw / raw.sum(), config.mean)
            return float(-(share * np.log(np.maximum(mixed, 1e-9))).sum(axis=1).mean())

        equal = np.full(n_heads, 1.0 / n_heads)
        if n_heads == 1:
            return cls([1.0], config.mean)
        found = scipy.optimize.minimize(log_loss, equal, method="L-BFGS-B", bounds=[(1e-6, 1.0)] * n_heads)
        best = found.x / found.x.sum()
        weights = (1.0 - config.shrinkage) * best + config.shrinkage * equal
        return cls([float(weight) for weight in weights], config.mean)

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        """(n_heads, batch, n_classes) to (batch, n_classes)."""
        average = self._average(scores)
        if self._mean == "arithmetic" or len(self._weights) == 1:
            return average
        product = self._average(scores.clamp_min(_MIN_PROBABILITY).log()).exp()
        dealt = product * (average.sum(dim=-1, keepdim=True) / product.sum(dim=-1, keepdim=True))
        # Heads that score each class alone may have a sum above 1.
        return dealt.clamp_max(1.0)

    def _average(self, values: torch.Tensor) -> torch.Tensor:
        # Constants, not a tensor: the exported graph keeps them as they are.
        mixed = self._weights[0] * values[0]
        for number, weight in enumerate(self._weights[1:], start=1):
            mixed = mixed + weight * values[number]
        return mixed

    @property
    def weights(self) -> list[float]:
        return self._weights

    def facts(self) -> Mapping[str, Any]:
        return {"weights": self._weights, "mean": self._mean}

    @classmethod
    def restore(cls, facts: Mapping[str, Any]) -> Self:
        # Ensembles from before there was a choice have no word of it.
        return cls(list(facts["weights"]), facts.get("mean", "arithmetic"))


def _mixed(scores: NDArray[np.float64], weights: NDArray[np.float64], mean: Mean) -> NDArray[np.float64]:
    """As `forward`, for arrays (n_heads, n_recordings, n_classes)."""
    average = np.tensordot(weights, scores, axes=1)
    if mean == "arithmetic":
        return np.asarray(average)
    product = np.exp(np.tensordot(weights, np.log(np.maximum(scores, _MIN_PROBABILITY)), axes=1))
    return np.asarray(product * average.sum(axis=1, keepdims=True) / product.sum(axis=1, keepdims=True))
