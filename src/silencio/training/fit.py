"""Train one head and keep what the next steps need of it."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader
from tqdm import tqdm

from silencio.config import RunConfig
from silencio.data.dataset import RecordingWindows, TrainingCrops
from silencio.data.leaks import recording_fingerprints
from silencio.data.shards import ShardSet, targets
from silencio.data.soft_labels import SoftLabels
from silencio.errors import ModelError
from silencio.evaluation.metrics import Metrics, judge
from silencio.evaluation.recording_scores import recording_scores
from silencio.models.registry import head_class
from silencio.settings import Settings
from silencio.taxonomy import ClassList
from silencio.training.checkpoint import TrainedHead, WindowProbabilities
from silencio.training.lightning_module import HeadModule

# Is given the epoch, from 0, and its `loss`, `learning_rate` and `epoch_s`.
OnEpoch = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class FitResult:
    """What came of training a head."""

    validation: Metrics
    epoch_losses: list[float]
    n_parameters: int
    n_trained_parameters: int


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
        self._steps.append(outputs["loss"].detach())

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.losses.append(float(torch.stack(self._steps).mean()))
        self._steps.clear()
        self._bar.set_postfix(loss=f"{self.losses[-1]:.3f}", refresh=False)
        self._bar.update()
        if self._on_epoch:
            elapsed_s = time.monotonic() - self._started_s
            figures = {"loss": self.losses[-1], "learning_rate": self._learning_rate, "epoch_s": elapsed_s}
            self._on_epoch(trainer.current_epoch, figures)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._bar.close()


def fit_head(
    name: str,
    config: RunConfig,
    shard_directories: Iterable[Path],
    classes: ClassList,
    directory: Path,
    on_epoch: OnEpoch | None = None,
    soft: SoftLabels | None = None,
) -> FitResult:
    """Train head `name` on the training part, judge it on validation, and write both to `directory`.

    Args:
        name: As configured in `config.heads`.
        config: The resolved configuration.
        shard_directories: Shards with the training and validation parts.
        classes: The order of the outputs.
        directory: Gets the trained head (`silencio.training.checkpoint`).
        on_epoch: Called after each epoch.
        soft: What a teacher says of training recordings; it takes the place of the labels of those it speaks of.

    Raises:
        ModelError: The head cannot be made as configured, or training diverged.
    """
    directories = list(shard_directories)
    head_config = config.heads[name]
    kind = head_class(head_config.kind)
    training = ShardSet(directories, config.features, "train")
    validation = ShardSet(directories, config.features, "validation")
    _prepare_process(config.seed)
    encoders = {name: one for name, one in training.encoders.items() if name in head_config.encoder_names}
    specs = {name: one.spec for name, one in encoders.items()}
    head = kind.build(head_config, config.features, len(classes), encoders=specs)
    crops = TrainingCrops(
        training,
        classes,
        head.input_names,
        head_config.augment,
        head_config.crops_per_recording,
        head_config.class_power,
        config.seed,
        soft,
    )
    # A last batch of one window would break batch normalisation; it is dropped where another batch remains.
    loader = DataLoader(
        crops,
        batch_size=head_config.batch_size,
        num_workers=head_config.n_workers,
        drop_last=len(crops) > head_config.batch_size,
    )
    module = HeadModule(head, head_config, total_steps=len(loader) * head_config.epochs)
    log = _EpochLog(name, head_config.epochs, on_epoch)
    callbacks = [log, _EpochOfCrops(crops)]
    trainer = _trainer(head_config.epochs, head_config.precision, head_config.clip_norm, callbacks)
    trainer.fit(module, loader)
    if not all(torch.isfinite(parameter).all() for parameter in head.parameters()):
        raise ModelError(f"training {name} diverged: its weights are no numbers; lower heads.{name}.learning_rate")
    probabilities = predict(module, validation)
    scores = recording_scores(probabilities.probabilities, probabilities.recording)
    metrics = judge(scores, targets(validation.table, classes.index), validation.table["primary_label"], classes)
    TrainedHead(
        name=name,
        config=head_config,
        spec_sha256=config.features.sha256,
        classes_sha256=classes.sha256,
        n_steps=trainer.global_step,
        state=head.state_dict(),
        validation=probabilities,
        epoch_losses=log.losses,
        trained_on=recording_fingerprints(training.table),
        encoders=encoders,
    ).save(directory)
    sizes = [(p.numel(), p.requires_grad) for p in head.parameters()]
    return FitResult(metrics, log.losses, sum(n for n, _ in sizes), sum(n for n, on in sizes if on))


def predict(module: HeadModule, shards: ShardSet) -> WindowProbabilities:
    """Probabilities of every window of every recording in `shards`."""
    windows = RecordingWindows(shards, module.head.input_names)
    module.eval()
    parts = []
    with torch.inference_mode():
        for number, batch in enumerate(DataLoader(windows, batch_size=16)):
            moved = {name: value.to(module.device) for name, value in batch.items()}
            parts.append(module.predict_step(moved, number).cpu())
    return WindowProbabilities(list(shards.table["recording_id"]), windows.recording, torch.cat(parts).numpy())


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


def _trainer(epochs: int, precision: str, clip_norm: float, callbacks: list[Callback]) -> L.Trainer:
    return L.Trainer(
        max_epochs=epochs,
        accelerator="auto",
        devices=1,
        precision=precision,  # type: ignore[arg-type]  # pydantic has checked it
        gradient_clip_val=clip_norm,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
