"""pseudo_label: the ensemble's probabilities, as targets for heads that learn from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from silencio.config import STUDENT, RunConfig
from silencio.data.recordings import read_class_list, read_recordings
from silencio.data.shards import ShardSet
from silencio.data.soft_labels import SoftLabels
from silencio.data.unlabelled_pool import POOL
from silencio.taxonomy import ClassList
from silencio.training.distill import soft_labels, student_targets
from silencio.training.ensemble import FittedEnsemble
from silencio.training.heads import load_heads


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Its part of the configuration.
        learner: `student` learns training recordings and pool; `heads` the pool alone.
        classes: The ordered class list.
        usable: The recordings; where labels were hidden, the predicted ones are compared with them.
        heads: Folders of the trained heads.
        ensemble: The fitted ensemble.
        development: Shards of training, validation and pool.
    """

    config: RunConfig
    learner: str
    classes: Path
    usable: Path
    heads: Sequence[Path]
    ensemble: Path
    development: Sequence[Path]


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        soft_labels: Targets of every window that the learner will be trained on.
    """

    soft_labels: Path


def run(inputs: Inputs, outputs: Outputs) -> dict[str, float]:
    """Label what the learner will be trained on. Validation recordings are not: nothing is trained on them.

    Returns:
        For the run's page: what was labelled; with hidden labels, the share of them that was predicted right.
    """
    config, classes = inputs.config, read_class_list(inputs.classes)
    shards = ShardSet(inputs.development, config.features)
    splits = ("train", POOL) if inputs.learner == STUDENT else (POOL,)
    wanted = shards.subset(shards.table["split"].isin(splits).to_numpy())
    heads, ensemble = load_heads(inputs.heads, config), FittedEnsemble.load(inputs.ensemble)
    predictions = soft_labels(heads, ensemble, wanted, config, classes)
    targets = _targets(inputs.learner, predictions, wanted.table, config, classes)
    targets.save(outputs.soft_labels)
    return _metrics(predictions, targets, wanted.table, read_recordings(inputs.usable), classes)


def _targets(
    learner: str, predictions: SoftLabels, table: pd.DataFrame, config: RunConfig, classes: ClassList
) -> SoftLabels:
    if learner == STUDENT:
        return student_targets(predictions, table, config, classes)
    assert config.self_training is not None  # the graph has this node where it is configured: `configure` has looked
    return predictions.as_pseudo_labels(config.self_training.power, config.self_training.min_probability)


def _metrics(
    predictions: SoftLabels, targets: SoftLabels, table: pd.DataFrame, usable: pd.DataFrame, classes: ClassList
) -> dict[str, float]:
    n_windows = sum(len(one) for one in predictions.targets.values())
    n_learned = sum(int(one.any(axis=1).sum()) for one in targets.targets.values())
    metrics: dict[str, float] = {
        "recordings": len(targets.targets),
        "windows": n_learned,
        "left_out_share": round(1.0 - n_learned / max(1, n_windows), 4),
    }
    truth = dict(zip(usable["recording_id"], usable["primary_label"], strict=True))
    in_pool = table.loc[table["split"] == POOL, "recording_id"]
    hidden = [name for name in in_pool if name in truth and name in targets.targets]
    if hidden:
        named = targets.most_probable()
        right = [classes.codes[named[name]] == truth[name] for name in hidden]
        metrics["hidden_labels_right_share"] = round(sum(right) / len(right), 4)
    return metrics
