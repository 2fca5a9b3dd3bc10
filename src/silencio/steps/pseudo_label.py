"""pseudo_label: what the ensemble says of recordings, as targets for heads that learn from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def label_step(
    config: RunConfig,
    learner: str,
    heads: Sequence[str],
    development: Sequence[str],
    inputs: Mapping[str, str],
    soft_path: str,
) -> dict[str, float]:
    """Label what the learner will be trained on. Validation recordings are not: nothing is trained on them.

    Args:
        config: What this step reads of the configuration.
        learner: `student` is taught training recordings and pool; `heads` the pool alone.
        heads: Folders of the trained heads.
        development: Shards of training, validation and pool.
        inputs: Paths of `fusion`, `classes` and `usable`.
        soft_path: Gets the soft labels.

    Returns:
        What was labelled, for the run's page; with hidden labels, the share of them that was guessed right.
    """
    classes = read_class_list(Path(inputs["classes"]))
    shards = ShardSet(map(Path, development), config.features)
    parts = ("train", POOL) if learner == STUDENT else (POOL,)
    wanted = shards.subset(shards.table["split"].isin(parts).to_numpy())
    said = soft_labels(load_heads(heads, config), FittedEnsemble.load(Path(inputs["fusion"])), wanted, config, classes)
    soft = _targets(learner, said, wanted.table, config, classes)
    soft.save(Path(soft_path))
    return _figures(said, soft, wanted.table, read_recordings(Path(inputs["usable"])), classes)


def _targets(learner: str, said: SoftLabels, table: pd.DataFrame, config: RunConfig, classes: ClassList) -> SoftLabels:
    if learner == STUDENT:
        return student_targets(said, table, config, classes)
    assert config.self_training is not None  # the graph has this node where it is configured: `configure` has looked
    return said.as_pseudo_labels(config.self_training.power, config.self_training.min_probability)


def _figures(
    said: SoftLabels, soft: SoftLabels, table: pd.DataFrame, usable: pd.DataFrame, classes: ClassList
) -> dict[str, float]:
    n_windows = sum(len(one) for one in said.targets.values())
    n_learned = sum(int(one.any(axis=1).sum()) for one in soft.targets.values())
    figures: dict[str, float] = {
        "recordings": len(soft.targets),
        "windows": n_learned,
        "left_out_share": round(1.0 - n_learned / max(1, n_windows), 4),
    }
    truth = dict(zip(usable["recording_id"], usable["primary_label"], strict=True))
    in_pool = table.loc[table["split"] == POOL, "recording_id"]
    hidden = [name for name in in_pool if name in truth and name in soft.targets]
    if hidden:
        named = soft.most_probable()
        right = [classes.codes[named[name]] == truth[name] for name in hidden]
        figures["hidden_labels_right_share"] = round(sum(right) / len(right), 4)
    return figures
