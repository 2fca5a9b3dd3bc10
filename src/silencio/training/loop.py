"""The training loop: a head, its crops, Lightning's trainer, and its predictions of recordings afterwards."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, WeightAveraging
from torch.utils.data import DataLoader
from tqdm import tqdm

from silencio.config import RunConfig
from silencio.data.backgrounds import BackgroundPool
from silencio.data.dataset import RecordingWindows, TrainingCrops
from silencio.data.shards import ShardSet
from silencio.data.soft_labels import SoftLabels
from silencio.errors import ModelError
from silencio.models.head import HeadConfig, HeadContext
from silencio.models.registry import head_class
from silencio.settings import Settings
from silencio.taxonomy import ClassList
from silencio.training.checkpoint import WindowProbabilities
from silencio.training.lightning_module import HeadModule, inference_device

# Is given the epoch, from 0, and its `loss`, `learning_rate` and `epoch_s`.
OnEpoch = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Trained:
    """A head in memory after training.

    Attributes:
        module: The head, its weights averaged where `ema_decay` asks for it.
        epoch_losses: Mean training loss of each epoch.
        n_steps: Optimizer steps.
    """

    module: HeadModule
    epoch_losses: list[float]
    n_steps: int


def train_head(
    name: str,
    config: RunConfig,
    training: ShardSet,
    classes: ClassList,
    on_epoch: OnEpoch | None = None,
    soft: SoftLabels | None = None,
    backgrounds: BackgroundPool | None = None,
    label: str = "",
) -> Trained:
    """Train head `name` on recordings; the same seed, recordings and configuration give the same head.

    Args:
        name: As configured in `config.heads`.
        config: The resolved configuration.
        training: Training recordings.
        classes: The order of the outputs.
        on_epoch: Called after each epoch.
        soft: A teacher's predictions of training recordings; they take the place of the labels of those they cover.
        backgrounds: What is mixed in, of the train half; None: made noise.
        label: What the log calls it; empty: its name.

    Raises:
        ModelError: The head cannot be made as configured, or training diverged.
    """
    head_config = config.heads[name]
    _prepare_process(config.seed)
    specs = {key: one.spec for key, one in training.encoders.items() if key in head_config.encoder_names}
    head = head_class(head_config.kind).build(head_config, HeadContext(config.features, len(classes), specs))
    crops = TrainingCrops(
        training,
        classes,
        head.input_names,
        head_config.augment,
        head_config.crops_per_recording,
        head_config.class_power,
        config.seed,
        soft,
        head_config.window_choice,
        backgrounds,
    )
    # A last batch of one window would break batch normalisation; it is dropped where another batch remains.
    loader = DataLoader(
        crops,
        batch_size=head_config.batch_size,
        num_workers=head_config.n_workers,
        drop_last=len(crops) > head_config.batch_size,
    )
    # The last batches of an epoch make a step even where they are fewer than `accumulate`.
    steps_per_epoch = -(-len(loader) // head_config.accumulate)
    module = HeadModule(head, head_config, total_steps=steps_per_epoch * head_config.epochs)
    log = _EpochLog(label or name, head_config.epochs, on_epoch)
    trainer = _trainer(head_config, [log, _EpochOfCrops(crops), *_averaging(head_config.ema_decay)])
    module.train()  # Lightning leaves a module in the mode that it is given
    trainer.fit(module, loader)
    if not all(torch.isfinite(parameter).all() for parameter in head.parameters()):
        raise ModelError(f"training {name} diverged: its weights are no numbers; lower heads.{name}.learning_rate")
    return Trained(module, log.losses, trainer.global_step)


def predict(module: HeadModule, shards: ShardSet) -> WindowProbabilities:
    """Probabilities of every window of every recording in `shards`."""
    windows = RecordingWindows(shards, module.head.input_names)
    module.eval().to(inference_device())  # training leaves it on the CPU
    parts = []
    with torch.inference_mode():
        for number, batch in enumerate(DataLoader(windows, batch_size=16)):
            moved = {name: value.to(module.device) for name, value in batch.items()}
            parts.append(module.predict_step(moved, number).cpu())
    module.cpu()
    return WindowProbabilities(list(shards.table["recording_id"]), windows.recording, torch.cat(parts).numpy())


class _EpochLog(Callback):
    """The loss of each epoch, and a line for it: a pod's log has no cursor to move.

    Attributes:
        losses: Mean training loss of each epoch.
    """

    def __init__(self, name: str, epochs: int, on_epoch: OnEpoch | None) -> None:
        self.losses: list[float] = []
        self._steps: list[torch.Tensor] = []
        self._on_epoch = on_epoch
        self._started_s = self._learning_rate = 0.0
        self._bar = tqdm(total=epochs, desc=f"train {name}", unit="epoch", mininterval=2.0)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._started_s = time.monotonic()

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        # At the epoch's end it would be the next epoch's rate already, and zero in the last.
        self._learning_rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        # Lightning has divided it, so that gradients of several batches add up to their mean.
        self._steps.append(outputs["loss"].detach() * trainer.accumulate_grad_batches)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.losses.append(float(torch.stack(self._steps).mean()))
        self._steps.clear()
        self._bar.set_postfix(loss=f"{self.losses[-1]:.3f}", refresh=False)
        self._bar.update()
        if self._on_epoch:
            elapsed_s = time.monotonic() - self._started_s
            metrics = {"loss": self.losses[-1], "learning_rate": self._learning_rate, "epoch_s": elapsed_s}
            self._on_epoch(trainer.current_epoch, metrics)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._bar.close()


class _EpochOfCrops(Callback):
    """Tell the data set which epoch it is: its crops follow from seed, epoch and index."""

    def __init__(self, crops: TrainingCrops) -> None:
        self._crops = crops

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._crops.epoch = trainer.current_epoch


def _prepare_process(seed: int) -> None:
    torch.set_num_threads(Settings().n_threads)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated.*")
    L.seed_everything(seed, verbose=False)


def _averaging(decay: float) -> list[Callback]:
    """Lightning's moving average of weights and buffers; it leaves the average in the module when training ends."""
    if decay == 0.0:
        return []

    def average(kept: torch.Tensor, current: torch.Tensor, n_averaged: torch.Tensor | int) -> torch.Tensor:
        # Until there were ten times 1 / (1 - decay) steps, the first weights would still count in the average.
        rising = min(decay, (1.0 + float(n_averaged)) / (10.0 + float(n_averaged)))
        return rising * kept + (1.0 - rising) * current

    return [WeightAveraging(avg_fn=average)]


def _trainer(config: HeadConfig, callbacks: list[Callback]) -> L.Trainer:
    return L.Trainer(
        max_epochs=config.epochs,
        accelerator="auto",
        devices=1,
        precision=config.precision,
        accumulate_grad_batches=config.accumulate,
        gradient_clip_val=config.clip_norm,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
