"""The pool of self-training: recordings whose labels are hidden or that never had any."""

from __future__ import annotations

import hashlib
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from silencio.data.backgrounds import half_of
from silencio.data.recordings import COLUMNS
from silencio.data.validate import ValidationConfig, validate_recordings
from silencio.errors import DataError
from silencio.storage import name_of

# A split of its own beside those that are drawn: trained on, with a teacher's predictions in place of labels.
POOL = "pool"
MAX_ROUNDS = 3


class SelfTrainingConfig(BaseModel):
    """How heads learn from their own predictions of recordings without labels.

    Attributes:
        pool: `hidden` hides the labels of some training recordings, so that the gain can be held against what their
            true labels would have brought; `soundscapes` takes those unlabelled soundscapes of the source that no
            model is ever tested on.
        hidden_share: Share of each species' training groups; at least one keeps its labels.
        power: Targets are the ensemble's probabilities to this power: above 1, doubt counts for less (the power
            transform of BirdCLEF-2025's first place).
        min_probability: A window whose most probable species is less probable than this is not learned from.
        rounds: How often the pool is labelled and all heads are trained anew.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    pool: Literal["hidden", "soundscapes"] = "hidden"
    hidden_share: float = Field(0.3, gt=0, lt=1)
    power: float = Field(1.5, gt=0)
    min_probability: float = Field(0.2, ge=0, lt=1)
    rounds: int = Field(1, ge=1, le=MAX_ROUNDS)


def hide(assignment: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Move whole training groups of each species to the pool, the same ones on every machine.

    Args:
        assignment: `recording_id`, `group_id`, `primary_label`, `split`.
        share: Share of a species' training groups, rounded; one always stays.
        seed: Seed of the draw; another seed, other groups.

    Returns:
        The same rows; what is hidden has split `pool`.
    """

    def draw(group_id: object) -> str:
        return hashlib.sha256(f"{seed}:{POOL}:{group_id}".encode()).hexdigest()

    training = assignment[assignment["split"] == "train"].sort_values("recording_id")
    owner = training.groupby("group_id")["primary_label"].first()
    hidden: list[str] = []
    for _, group_ids in owner.groupby(owner).groups.items():
        n_hidden = min(round(len(group_ids) * share), len(group_ids) - 1)
        hidden += sorted(group_ids, key=draw)[:n_hidden]
    return assignment.assign(split=assignment["split"].mask(assignment["group_id"].isin(hidden), POOL))


def without_labels(recordings: pd.DataFrame) -> pd.DataFrame:
    """The recordings; those of the pool without the labels that training is not to see."""
    hidden = recordings["split"] == POOL
    secondary = [[] if out else labels for labels, out in zip(recordings["secondary_labels"], hidden, strict=True)]
    return recordings.assign(
        primary_label=recordings["primary_label"].mask(hidden, ""),
        secondary_labels=pd.Series(secondary, recordings.index),
    )


def soundscape_pool(soundscapes: pd.DataFrame, usable: pd.DataFrame, config: ValidationConfig) -> pd.DataFrame:
    """The soundscapes that may be learned from, as a table of recordings without labels.

    Those of the other half lie under the test soundscapes (`silencio.data.backgrounds.half_of`) and never train.
    What sounds like a labelled recording is left out as well: it may be one of the test set.

    Args:
        soundscapes: Rows with `path`, `site`, `recorded_at`.
        usable: The labelled recordings, validated.
        config: What counts as usable.

    Returns:
        Rows as those of `usable`, with split `pool` and a group each.

    Raises:
        DataError: There is none that can be used.
        StorageError: The place that holds them does not answer.
    """
    names = [name_of(path) for path in soundscapes["path"]]
    kept = soundscapes.assign(recording_id=[f"soundscapes/{name}" for name in names])
    kept = kept[[half_of(name) == "train" for name in names]].drop_duplicates("recording_id")
    if kept.empty:
        raise DataError(
            f"self_training.pool: soundscapes: of {len(soundscapes)} soundscapes none is for training; take "
            "self_training.pool: hidden, or a source with unlabelled soundscapes"
        )
    for name in COLUMNS:
        if name not in kept:
            kept[name] = ""
    kept[["latitude", "longitude"]] = float("nan")
    kept["secondary_labels"] = pd.Series([[] for _ in range(len(kept))], kept.index)
    found = validate_recordings(kept[list(COLUMNS)].reset_index(drop=True), config).usable
    known = found["sha256"].isin(usable["sha256"]) | found["decoded_sha256"].isin(usable["decoded_sha256"])
    fresh = found[~known].drop_duplicates("decoded_sha256").reset_index(drop=True)
    if fresh.empty:
        raise DataError("self_training.pool: soundscapes: every one of them is among the labelled recordings")
    return fresh.assign(split=POOL, group_id=fresh["recording_id"])
