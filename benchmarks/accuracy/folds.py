"""Five folds by group of recordings that sound alike, and what of each is kept on disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from silencio.config import RunConfig
from silencio.data.birdclef import read_birdclef
from silencio.data.embeddings import open_encoders
from silencio.data.shards import write_shard
from silencio.data.split import SplitConfig, source_groups
from silencio.data.unlabelled_pool import hide, without_labels
from silencio.data.validate import validate_recordings
from silencio.taxonomy import ClassList

N_FOLDS = 5
# Of the fold that follows the tested one, one recording in so many chooses the supervisor; the others train.
_CHOOSING = 3


def draw_folds(recordings: pd.DataFrame, seed: int) -> pd.Series:
    """A fold for each recording: whole groups, each species dealt out in turn."""
    owner = recordings.sort_values("recording_id").groupby("group_id")["primary_label"].first()
    fold_of = {}
    for label, ids in owner.groupby(owner).groups.items():
        first = int(_draw(seed, str(label)), 16)
        ordered = sorted(ids, key=lambda group: _draw(seed, str(group)))
        fold_of |= {group: (first + i) % N_FOLDS for i, group in enumerate(ordered)}
    return recordings["group_id"].map(fold_of)


def _draw(seed: int, text: str) -> str:
    return hashlib.sha256(f"{seed}:{text}".encode()).hexdigest()


@dataclass(frozen=True)
class Reserve:
    """The recordings that are tested.

    Attributes:
        recordings: Recordings of species with at least five recordings, with their `group_id` and `fold`.
        classes: Class list of these species.
    """

    recordings: pd.DataFrame
    classes: ClassList


def read_reserve(data: Path, seed: int, split: SplitConfig) -> Reserve:
    """Recordings of the species that every fold can hold one of.

    Args:
        data: A folder in BirdCLEF's layout.
        seed: Seed of the folds.
        split: What groups are made of.
    """
    source = read_birdclef(data)
    usable = validate_recordings(source.recordings).usable
    often = usable["primary_label"].map(usable["primary_label"].value_counts()) >= N_FOLDS
    recordings = usable[often].sort_values("recording_id", ignore_index=True)
    recordings["group_id"] = source_groups(recordings, split)
    recordings["fold"] = draw_folds(recordings, seed)
    present = set(recordings["primary_label"])
    classes = ClassList.of(species for species in source.classes.species if species.code in present)
    return Reserve(recordings, classes)


def fold_recordings(recordings: pd.DataFrame, fold: int) -> pd.DataFrame:
    """With the `part` that each recording has when `fold` is tested."""
    following = recordings.loc[recordings["fold"] == (fold + 1) % N_FOLDS, "group_id"].unique()
    choosing = sorted(following, key=lambda name: _draw(0, str(name)))[::_CHOOSING]
    chooses = recordings["group_id"].isin(choosing)
    part = np.where(recordings["fold"] == fold, "test", np.where(chooses, "validation", "train"))
    return recordings.assign(split=part)


def fold_shard(reserve: Reserve, fold: int, config: RunConfig, out: Path, *, hidden_share: float = 0.0) -> Path:
    """The fold's waveforms and embeddings, written where they are not there yet.

    Args:
        reserve: The reserve's recordings.
        fold: Number of the fold that is the test set.
        config: Features and encoders.
        out: Folder of the folds.
        hidden_share: So many of each species' training groups are given no labels: they are the part `pool`.
    """
    shard = out / f"fold-{fold}" / ("hidden" if hidden_share else "shard")
    if not (shard / "shard.json").exists():
        recordings = fold_recordings(reserve.recordings, fold)
        if hidden_share:
            recordings = without_labels(hide(recordings, hidden_share, config.seed))
        write_shard(recordings, config.features, shard, open_encoders(config.encoders, config.features))
    return shard
