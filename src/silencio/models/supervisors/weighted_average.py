"""weighted_average: the supervisor that believes each head as much as held-out recordings say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import scipy.optimize
import torch
from numpy.typing import NDArray
from pydantic import Field

from silencio.models.supervisor import Supervisor, SupervisorConfig


class WeightedAverageConfig(SupervisorConfig):
    """How the weights are found.

    Attributes:
        shrinkage: 0 takes the weights that fit best, 1 the plain average. Between them, few recordings cannot silence
            a head.
    """

    kind: str = "weighted_average"
    shrinkage: float = Field(0.5, ge=0, le=1)


class WeightedAverage(Supervisor):
    """Convex combination of the heads' probabilities.

    Args:
        weights: One a head, at least 0, sum 1.
    """

    Config: ClassVar[type[SupervisorConfig]] = WeightedAverageConfig

    def __init__(self, weights: list[float]) -> None:
        super().__init__()
        self._weights = weights

    @classmethod
    def fit(
        cls, scores: NDArray[np.floating], target: NDArray[np.floating], config: SupervisorConfig, seed: int
    ) -> Self:
        """The weights with the least log-loss of the labelled classes, drawn towards the plain average."""
        assert isinstance(config, WeightedAverageConfig)  # the registry pairs supervisor and configuration
        n_heads = len(scores)
        stacked = np.asarray(scores, np.float64)
        share = target / np.maximum(target.sum(axis=1, keepdims=True), 1e-9)

        def log_loss(raw: NDArray[np.float64]) -> float:
            mixed = np.tensordot(raw / raw.sum(), stacked, axes=1)
            return float(-(share * np.log(np.maximum(mixed, 1e-9))).sum(axis=1).mean())

        equal = np.full(n_heads, 1.0 / n_heads)
        if n_heads == 1:
            return cls([1.0])
        found = scipy.optimize.minimize(log_loss, equal, method="L-BFGS-B", bounds=[(1e-6, 1.0)] * n_heads)
        best = found.x / found.x.sum()
        weights = (1.0 - config.shrinkage) * best + config.shrinkage * equal
        return cls([float(weight) for weight in weights])

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        """(n_heads, batch, n_classes) to (batch, n_classes)."""
        # Constants, not a tensor: the exported graph keeps them as they are.
        mixed = self._weights[0] * scores[0]
        for number, weight in enumerate(self._weights[1:], start=1):
            mixed = mixed + weight * scores[number]
        return mixed

    @property
    def weights(self) -> list[float]:
        return self._weights

    def facts(self) -> Mapping[str, Any]:
        return {"weights": self._weights}

    @classmethod
    def restore(cls, facts: Mapping[str, Any]) -> Self:
        return cls(list(facts["weights"]))
