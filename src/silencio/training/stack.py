"""Out-of-fold predictions: a head's of training recordings that it was not trained on (Wolpert 1992).

The supervisor learns from recordings that no head was trained on. Validation alone is few; so each head is trained
again without each fold of the training split, and predicts that fold.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from silencio.config import RunConfig
from silencio.data.backgrounds import BackgroundPool
from silencio.data.leaks import recording_fingerprints
from silencio.data.shards import ShardSet
from silencio.data.soft_labels import SoftLabels
from silencio.data.unlabelled_pool import POOL
from silencio.errors import ModelError
from silencio.taxonomy import ClassList
from silencio.training.checkpoint import WindowProbabilities
from silencio.training.loop import predict, train_head


def predict_out_of_fold(
    name: str,
    config: RunConfig,
    training: ShardSet,
    classes: ClassList,
    soft: SoftLabels | None = None,
    backgrounds: BackgroundPool | None = None,
) -> WindowProbabilities | None:
    """Train head `name` without each fold of the training split, and let it predict that fold.

    Args:
        name: As configured in `config.heads`.
        config: The resolved configuration; `stacking.n_folds` is the number of folds.
        training: The training split.
        classes: The order of the outputs.
        soft: A teacher's predictions of training recordings.
        backgrounds: What is mixed in.

    Returns:
        Of every training recording but those of the pool, in the order of `training`; None where no folds are wanted
        for.

    Raises:
        ModelError: There are fewer groups of recordings than folds, or training diverged.
    """
    n_folds = config.stacking.n_folds
    if n_folds == 0:
        return None
    fold = draw_folds(training.table, n_folds, config.seed)
    predictions = []
    for number in range(n_folds):
        # From predictions of the pool no supervisor learns: the pool has no labels.
        wanted = (fold == number) & (training.table["split"] != POOL).to_numpy()
        rest, left_out = training.subset(fold != number), training.subset(wanted)
        check_apart(rest.table, left_out.table)
        label = f"{name} without fold {number + 1} of {n_folds}"
        trained = train_head(name, config, rest, classes, soft=soft, backgrounds=backgrounds, label=label)
        predictions.append(predict(trained.module, left_out))
    return WindowProbabilities.concatenated(predictions)


def draw_folds(table: pd.DataFrame, n_folds: int, seed: int) -> NDArray[np.int64]:
    """Deal groups of recordings to folds, species by species, so that each fold has its share of every species.

    The order is the hash of seed and group: the same on any machine, whatever the order of the rows.

    Args:
        table: Rows with `recording_id`, `primary_label` and, where groups are larger than recordings, `group_id`.
        n_folds: Number of folds, at least 2.
        seed: Seed of the folds.

    Returns:
        The fold of each row, from 0.

    Raises:
        ModelError: There are fewer groups than folds.
    """
    group = table["group_id" if "group_id" in table else "recording_id"].astype(str)
    label = table.assign(group=group).sort_values("recording_id").groupby("group")["primary_label"].first()
    if len(label) < n_folds:
        raise ModelError(f"stacking.n_folds={n_folds}: there are only {len(label)} groups of training recordings")
    # Dealt on from species to species: small ones would all lie in the first folds.
    order = sorted(label.index, key=lambda name: (label[name], hashlib.sha256(f"{seed}:{name}".encode()).digest()))
    fold_of = {name: number % n_folds for number, name in enumerate(order)}
    return np.array([fold_of[name] for name in group], np.int64)


def check_apart(trained_on: pd.DataFrame, left_out: pd.DataFrame) -> None:
    """Hold a fold against the rest.

    Raises:
        ModelError: A recording, or its sound, is in both.
    """
    both = set(recording_fingerprints(trained_on)) & set(recording_fingerprints(left_out))
    if both:
        raise ModelError("a fold shares a recording with the rest of the training split: run split and featurize again")
