"""weighted_average: the supervisor that believes each head as much as validation says."""

from __future__ import annotations

from typing import Self

import numpy as np
import scipy.optimize
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import nn


class WeightedAverageConfig(BaseModel):
    """How the weights are found.

    Attributes:
        kind: The supervisor's name in the registry.
        shrinkage: 0 takes the weights that fit validation best, 1 the plain average. Between them, few validation
            recordings cannot silence a head.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    kind: str = "weighted_average"
    shrinkage: float = Field(0.5, ge=0, le=1)


class WeightedAverage(nn.Module):
    """Convex combination of the heads' probabilities.

    Args:
        weights: One a head, at least 0, sum 1.
    """

    Config = WeightedAverageConfig

    def __init__(self, weights: list[float]) -> None:
        super().__init__()
        self.weights = weights

    @classmethod
    def fit(
        cls, scores: list[NDArray[np.floating]], target: NDArray[np.floating], config: WeightedAverageConfig
    ) -> Self:
        """Find the weights with the least validation log-loss of the labelled classes.

        Args:
            scores: One array a head: validation scores by recording, (n_recordings, n_classes).
            target: Multi-label, (n_recordings, n_classes).
            config: How far to trust the fit.
        """
        n_heads = len(scores)
        stacked = np.stack([np.asarray(one, np.float64) for one in scores])
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

    def forward(self, scores: list[torch.Tensor]) -> torch.Tensor:
        """One (batch, n_classes) a head to one (batch, n_classes)."""
        mixed = self.weights[0] * scores[0]
        for weight, one in zip(self.weights[1:], scores[1:], strict=True):
            mixed = mixed + weight * one
        return mixed
