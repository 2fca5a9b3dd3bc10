"""meta_mlp: a small network that corrects the weighted average of the heads.

Stacking (Wolpert 1992) with as many free weights as classes times heads learns the few held-out recordings by heart:
on a reserve it was far worse than either member. So the network starts as the average, exactly, and learns a
correction; by default the correction is one function for all classes, decays towards nothing, and is trained for as
long as recordings that it has not seen gain from it, which may be not at all.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import nn

from silencio.models.supervisor import Supervisor, SupervisorConfig
from silencio.models.supervisors.weighted_average import WeightedAverage, WeightedAverageConfig

# Less than what a float32 softmax still tells apart, and far below what a head is ever right about.
_MIN_PROBABILITY = 1e-6


class MetaMlpConfig(SupervisorConfig):
    """What meta_mlp is made of, and how it is fitted.

    Attributes:
        correction: `shared`: one network for all classes sees each head's prediction of one class, and how sure each
            head is at all. `dense`: one network sees everything, as a forerunner had it with `widths=[1024, 512]`; for
            thousands of recordings.
        widths: Widths of the hidden layers.
        dropout: Dropout before the last layer.
        learning_rate: Learning rate of AdamW.
        weight_decay: Weight decay of AdamW: draws the correction towards none.
        max_steps: Limit of the steps, each over all recordings.
        n_folds: Folds of the cross-validation that finds the number of steps.
        shrinkage: Shrinkage of the average from which it starts, towards the plain one.
    """

    kind: str = "meta_mlp"
    correction: Literal["shared", "dense"] = "shared"
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field((8,), min_length=1)
    dropout: float = Field(0.0, ge=0, lt=1)
    learning_rate: float = Field(0.02, gt=0)
    weight_decay: float = Field(0.1, ge=0)
    max_steps: int = Field(100, ge=1)
    n_folds: int = Field(5, ge=2)
    shrinkage: float = Field(0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _decay_is_a_decay(self) -> Self:
        if self.learning_rate * self.weight_decay >= 1:
            raise ValueError("learning_rate times weight_decay must be below 1: a step would turn weights around")
        return self


class MetaMlp(Supervisor[MetaMlpConfig]):
    """The weighted average, its probability dealt anew among the classes.

    Each class's log-probability gets a correction; the sum of all probabilities stays that of the average (1 where
    heads give a softmax), so no correction means the average itself.

    Args:
        average: Weights of the heads, sum 1.
        correction: Form of the correction.
        widths: Widths of the hidden layers.
        n_classes: Number of outputs.
        dropout: Dropout before the last layer.
    """

    Config: ClassVar[type[SupervisorConfig]] = MetaMlpConfig

    def __init__(
        self, average: Sequence[float], correction: str, widths: Sequence[int], n_classes: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self._made_of = {
            "average": list(average),
            "correction": correction,
            "widths": list(widths),
            "n_classes": n_classes,
        }
        self._average = WeightedAverage(list(average))
        self._shared = correction == "shared"
        n_heads = len(average)
        sizes = [2 * n_heads if self._shared else n_heads * n_classes, *widths]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU()]
        last = nn.Linear(sizes[-1], 1 if self._shared else n_classes)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, nn.Dropout(dropout), last)

    @classmethod
    def fit(cls, scores: NDArray[np.floating], target: NDArray[np.floating], config: MetaMlpConfig, seed: int) -> Self:
        """Find the number of steps on recordings that were left out, then train on all."""
        given = np.asarray(scores, np.float32)
        share = np.asarray(target / np.maximum(target.sum(axis=1, keepdims=True), 1e-9), np.float32)
        fold = np.random.default_rng(seed).permutation(len(target)) % config.n_folds
        losses = [
            cls._trained(given[:, fold != k], share[fold != k], config, seed, (given[:, fold == k], share[fold == k]))[
                1
            ]
            for k in range(config.n_folds)
            if 0 < (fold == k).sum() < len(target)
        ]
        n_steps = int(np.concatenate(losses, axis=1).mean(axis=1).argmin()) if losses else 0
        return cls._trained(given, share, config, seed, n_steps=n_steps)[0].eval()

    @classmethod
    def _trained(
        cls,
        scores: NDArray[np.float32],
        share: NDArray[np.float32],
        config: MetaMlpConfig,
        seed: int,
        left_out: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
        n_steps: int | None = None,
    ) -> tuple[Self, NDArray[np.float64]]:
        """The network, and the loss of each recording that was left out, before and after each step."""
        average = WeightedAverage.fit(scores, share, WeightedAverageConfig(shrinkage=config.shrinkage), seed).weights
        x, y = torch.from_numpy(scores), torch.from_numpy(share)
        held = None if left_out is None else tuple(torch.from_numpy(array) for array in left_out)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = cls(average, config.correction, config.widths, share.shape[1], config.dropout)
            optimizer = torch.optim.AdamW(
                module.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
            )
            course = [] if held is None else [module._losses(*held)]
            for _ in range(config.max_steps if n_steps is None else n_steps):
                optimizer.zero_grad()
                _log_loss(module.train()(x), y).mean().backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                if held is not None:
                    course.append(module._losses(*held))
        return module, np.array(course)

    def _losses(self, scores: torch.Tensor, share: torch.Tensor) -> NDArray[np.float64]:
        with torch.no_grad():
            return _log_loss(self.eval()(scores), share).double().numpy()

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        """(n_heads, batch, n_classes) to (batch, n_classes)."""
        average = self._average(scores)
        log_scores = scores.clamp_min(_MIN_PROBABILITY).log()
        if self._shared:
            sure = log_scores.amax(dim=2, keepdim=True).expand_as(log_scores)
            correction = self.layers(torch.cat([log_scores, sure]).permute(1, 2, 0)).squeeze(2)
        else:
            correction = self.layers(log_scores.permute(1, 0, 2).flatten(1))
        # The softmax of the logarithm is the share of each class; only what comes to it is learned.
        share = (average.clamp_min(_MIN_PROBABILITY).log() + correction).softmax(dim=1)
        combined: torch.Tensor = (average.sum(dim=1, keepdim=True) * share).clamp_max(1.0)
        return combined

    @property
    def weights(self) -> list[float]:
        """Those of the average from which it starts."""
        return self._average.weights

    def facts(self) -> Mapping[str, Any]:
        state = {name: _text_of(value) for name, value in self.state_dict().items()}
        return {**self._made_of, "state": state}

    @classmethod
    def restore(cls, facts: Mapping[str, Any]) -> Self:
        made_of = dict(facts)
        state = {name: _tensor_of(text) for name, text in made_of.pop("state").items()}
        module = cls(**made_of)
        module.load_state_dict({name: state[name].reshape(own.shape) for name, own in module.state_dict().items()})
        return module


def _log_loss(combined: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Of each recording, (n_recordings,)."""
    return -(share * combined.clamp_min(_MIN_PROBABILITY).log()).sum(dim=1)


def _text_of(value: torch.Tensor) -> str:
    """Exactly: decimal digits of a million weights would be ten times the size."""
    return base64.b64encode(value.numpy().astype("<f4").tobytes()).decode()


def _tensor_of(text: str) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32))
