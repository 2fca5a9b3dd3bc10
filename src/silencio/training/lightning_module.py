"""The one LightningModule: any head, its loss, its optimizer and its schedule."""

from __future__ import annotations

import math
from typing import Any

import lightning as L
import torch

from silencio.data.dataset import Inputs
from silencio.models.head import Head, HeadConfig, loss_of, probabilities


def inference_device() -> torch.device:
    """Where a trained head predicts."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class HeadModule(L.LightningModule):
    """A head in training.

    Args:
        head: The head's module.
        config: How it is trained.
        total_steps: Optimizer steps of the whole run.
    """

    def __init__(self, head: Head[Any], config: HeadConfig, total_steps: int) -> None:
        super().__init__()
        self.head = head
        self.config = config
        self.total_steps = total_steps

    def training_step(self, batch: tuple[Inputs, torch.Tensor], _: int) -> torch.Tensor:
        inputs, target = batch
        return loss_of(self._logits(inputs), target, self.config)

    def predict_step(self, batch: Inputs, _: int) -> torch.Tensor:
        return probabilities(self._logits(batch).float(), self.config.loss)

    def _logits(self, inputs: Inputs) -> torch.Tensor:
        logits: torch.Tensor = self.head(*(inputs[name] for name in self.head.input_names))
        return logits

    def configure_optimizers(self) -> Any:
        trained = [parameter for parameter in self.head.parameters() if parameter.requires_grad]
        groups = [
            # Biases and norms are one-dimensional; decay would pull a norm's scale to zero.
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": self.config.weight_decay},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.config.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _rate(self, step: int) -> float:
        """Linear warm-up, then half a cosine to zero."""
        n_warmup = max(1, round(self.total_steps * self.config.warmup_share))
        if step < n_warmup:
            return (step + 1) / n_warmup
        progress = (step - n_warmup) / max(1, self.total_steps - n_warmup)
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
