"""What every supervisor is: it makes one probability of those of all heads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import nn


class SupervisorConfig(BaseModel):
    """How a supervisor is fitted; each adds what it needs.

    Attributes:
        kind: The supervisor's name in the registry.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    kind: str


ConfigT = TypeVar("ConfigT", bound=SupervisorConfig)


class Supervisor(nn.Module, Generic[ConfigT]):
    """Base of all supervisors.

    Attributes:
        Config: Class of its configuration.
    """

    Config: ClassVar[type[SupervisorConfig]]

    @classmethod
    @abstractmethod
    def fit(cls, scores: NDArray[np.floating], target: NDArray[np.floating], config: ConfigT, seed: int) -> Self:
        """Learn to join the heads from predictions on recordings that none of them was trained on.

        Args:
            scores: Probabilities by recording, (n_heads, n_recordings, n_classes).
            target: Multi-label, (n_recordings, n_classes).
            config: An instance of `Config`.
            seed: Seed of all that is drawn.
        """

    @abstractmethod
    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        """Probabilities (n_heads, batch, n_classes) to (batch, n_classes)."""

    @property
    @abstractmethod
    def weights(self) -> list[float]:
        """About how much each head counts, sum 1: for people to look at."""

    @abstractmethod
    def facts(self) -> Mapping[str, Any]:
        """What `restore` needs, as JSON."""

    @classmethod
    @abstractmethod
    def restore(cls, facts: Mapping[str, Any]) -> Self:
        """The inverse of `facts`."""

    def combine(self, scores: NDArray[np.floating]) -> NDArray[np.float32]:
        """`forward` on arrays."""
        with torch.inference_mode():
            combined: NDArray[np.float32] = self(torch.from_numpy(np.asarray(scores, np.float32))).numpy()
        return combined
