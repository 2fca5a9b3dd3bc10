"""Distillation: an ensemble's predictions of recordings, as targets for a student or for a pool without labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from silencio.config import RunConfig
from silencio.data.embeddings import grid_starts, grid_windows
from silencio.data.shards import ShardSet, targets
from silencio.data.soft_labels import SoftLabels
from silencio.data.unlabelled_pool import POOL
from silencio.encoders import EMBEDDING
from silencio.features import FeatureSpec, FrontEnd
from silencio.taxonomy import ClassList
from silencio.training.checkpoint import TrainedHead
from silencio.training.ensemble import FittedEnsemble
from silencio.training.lightning_module import HeadModule, inference_device

_WINDOWS_AT_ONCE = 16


def soft_labels(
    heads: Sequence[TrainedHead], ensemble: FittedEnsemble, shards: ShardSet, config: RunConfig, classes: ClassList
) -> SoftLabels:
    """The ensemble's predictions, before calibration, of every window of every recording's grid.

    Of recordings that it was trained on a teacher is surer than it should be: where all its heads have out-of-fold
    predictions (`config.stacking`), those are the targets.

    Args:
        heads: The trained heads; those of `ensemble.heads` predict.
        ensemble: The fitted ensemble.
        shards: Shards of the recordings.
        config: The resolved configuration, for the features.
        classes: The order of the outputs.

    Raises:
        ModelError: A head was trained on other features or classes.
    """
    by_name = {head.name: head for head in heads}
    members = [by_name[name] for name in ensemble.heads]
    modules = [HeadModule(head.module(config.features, classes), head.config, total_steps=0).eval() for head in members]
    for module in modules:
        module.to(inference_device())
    names = {name for module in modules for name in module.head.input_names}
    supervisor, front_end, out_of_fold = ensemble.module(), FrontEnd(config.features), _out_of_fold(members, ensemble)
    predictions: dict[str, NDArray[np.float32]] = {}
    for index, name in enumerate(tqdm(shards.table["recording_id"], desc="label", unit="recording", mininterval=2.0)):
        if name in out_of_fold:
            predictions[name] = _on_the_grid(
                out_of_fold[name], grid_starts(len(shards.waveform(index)), config.features)
            )
        else:
            inputs = _grid_inputs(shards, index, front_end, names)
            predictions[name] = supervisor.combine(np.stack([_predict(module, inputs) for module in modules]))
    return SoftLabels(predictions)


def labels_of(table: pd.DataFrame, classes: ClassList) -> dict[str, NDArray[np.float32]]:
    """By recording that has labels, its multi-label target (n_classes,)."""
    labelled = table[table["primary_label"] != ""]
    return dict(zip(labelled["recording_id"], targets(labelled, classes.index), strict=True))


def student_targets(predictions: SoftLabels, table: pd.DataFrame, config: RunConfig, classes: ClassList) -> SoftLabels:
    """What a student learns of recordings: the teacher's word, softened, and a share of their own labels.

    Args:
        predictions: The teacher's probabilities of the recordings.
        table: Table of the recordings.
        config: Configuration, of which `distillation` is read.
        classes: The order of the soft labels.
    """
    how = config.distillation
    return predictions.softened(how.temperature).mixed(labels_of(table, classes), how.label_share)


def training_recordings(
    directories: Iterable[Path], spec: FeatureSpec, classes: ClassList, soft: SoftLabels | None
) -> ShardSet:
    """The training split, and what of the pool a teacher has labelled, each under the species that it names most.

    The species decides how often a recording is drawn; what is learned from it are the soft labels.

    Args:
        directories: Shards of training, validation and pool.
        spec: Feature spec of the run.
        classes: The order of the soft labels.
        soft: The teacher's predictions; None leaves the pool out.
    """
    shards = ShardSet(directories, spec)
    named = {} if soft is None else {name: classes.codes[at] for name, at in soft.most_probable().items()}
    pseudo_labelled = (shards.table["split"] == POOL) & shards.table["recording_id"].isin(list(named))
    training = shards.subset((pseudo_labelled | (shards.table["split"] == "train")).to_numpy())
    codes = training.table["recording_id"].map(named)
    in_pool = training.table["split"] == POOL
    training.table = training.table.assign(primary_label=training.table["primary_label"].mask(in_pool, codes))
    return training


def _out_of_fold(heads: Sequence[TrainedHead], ensemble: FittedEnsemble) -> dict[str, NDArray[np.float32]]:
    """By recording, predictions of its windows by heads that were not trained on it, (n_windows, n_classes)."""
    kept = [head.out_of_fold for head in heads]
    predictions = [one for one in kept if one is not None]
    if not predictions or len(predictions) < len(kept):
        return {}
    combined = ensemble.module().combine(np.stack([one.probabilities for one in predictions]))
    return {name: combined[predictions[0].recording == at] for at, name in enumerate(predictions[0].recording_ids)}


def _grid_inputs(
    shards: ShardSet, index: int, front_end: FrontEnd, names: Iterable[str]
) -> dict[str, NDArray[np.generic]]:
    """Of every window of the recording's grid, the heads' inputs."""
    windows = grid_windows(shards.waveform(index), shards.spec)
    inputs: dict[str, NDArray[np.generic]] = {"waveform": windows}
    for name in names:
        if name == "log_mel":
            inputs[name] = front_end.log_mel(windows)
        elif name.startswith(EMBEDDING):
            inputs[name] = np.array(shards.embedding(name.removeprefix(EMBEDDING), index))
    return inputs


def _predict(module: HeadModule, inputs: Mapping[str, NDArray[np.generic]]) -> NDArray[np.float32]:
    """Probabilities of windows, (n_windows, n_classes)."""
    parts = []
    with torch.inference_mode():
        for begin in range(0, len(inputs["waveform"]), _WINDOWS_AT_ONCE):
            batch = {
                name: torch.from_numpy(inputs[name][begin : begin + _WINDOWS_AT_ONCE]).to(module.device)
                for name in module.head.input_names
            }
            parts.append(module.predict_step(batch, 0).cpu())
    probabilities: NDArray[np.float32] = torch.cat(parts).numpy()
    return probabilities


def _on_the_grid(served: NDArray[np.float32], starts: Sequence[int]) -> NDArray[np.float32]:
    """Windows as served, then those between: each of them the mean of its neighbours."""
    n_between = len(starts) - len(served)
    after = np.minimum(np.arange(n_between) + 1, len(served) - 1)
    return np.concatenate([served, (served[:n_between] + served[after]) / 2])
