"""The split: whole recordings go to train, validation or test, stratified by species.

The draw uses SHA-256 of seed and group, not a random generator: the same seed gives the same split on any machine,
in any order of rows, and with any version of any library. When data grow, what was assigned stays where it is and
only new groups are drawn: no test recording ever trains a later model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from silencio.data.frames import read_frame
from silencio.errors import SplitError

SPLITS = ("train", "validation", "test")
SPLIT_HISTORY_COLUMNS = ["recording_id", "group_id", "sha256", "primary_label", "split"]
# Where recordings of one group were in several splits, the later one here wins: what was tested on is not trained on.
_STRICTNESS = {split: number for number, split in enumerate(SPLITS)}
_MIN_OWNERS = 3


class SplitConfig(BaseModel):
    """How recordings are divided.

    Attributes:
        seed: Seed of the draw; another seed, another split.
        validation_share: Share of a species' recordings that choose between models.
        test_share: Share that is read once, at the end.
        group_by: What is never in two splits: a source `recording`; or all recordings of a species by one `recordist`,
            or of one `site`, for the species that have at least three of them (the others stay with recordings).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    seed: int = 0
    validation_share: float = Field(0.2, gt=0, lt=1)
    test_share: float = Field(0.2, gt=0, lt=1)
    group_by: Literal["recording", "recordist", "site"] = "recording"

    @model_validator(mode="after")
    def _train_remains(self) -> Self:
        if self.validation_share + self.test_share >= 1:
            raise ValueError("validation_share and test_share leave nothing to train on")
        return self


@dataclass(frozen=True)
class Split:
    """The drawn split.

    Attributes:
        assignment: `recording_id`, `group_id`, `primary_label`, `split`, sorted by recording_id.
        too_small: Species that are not in all three splits, for want of groups of their own, each with the splits that
            it is in.
        split_history: The assignment of every recording that this or an earlier run ever had
            (`SPLIT_HISTORY_COLUMNS`): what is handed to the next run.
        n_kept: Recordings whose split an earlier run had drawn.
    """

    assignment: pd.DataFrame
    too_small: dict[str, list[str]]
    split_history: pd.DataFrame
    n_kept: int


def draw_split(recordings: pd.DataFrame, config: SplitConfig, previous: pd.DataFrame | None = None) -> Split:
    """Divide recordings by group, so that no source recording is in two splits.

    A group is a source recording: one file, or several files with the same bytes; or more, as `group_by` says. A
    species with one group can only be trained on; with two it is trained on and tested; with three or more it is in
    all three splits.

    Args:
        recordings: Usable recordings with `recording_id`, `primary_label`, `sha256`, and `author` or `site` where
            groups are made of them.
        config: Seed, shares and groups.
        previous: The split history of an earlier run; its recordings, known by name or by bytes, keep their splits.

    Raises:
        SplitError: Fewer than three recordings in all, or none can be held out.
    """
    table = recordings[["recording_id", "primary_label", "sha256"]].assign(group_id=source_groups(recordings, config))
    # The same bytes under two labels are one group still, drawn with the label of its first recording.
    owner = table.sort_values("recording_id").groupby("group_id")["primary_label"].first()
    kept = _kept_splits(table, previous)
    split_of_group: dict[str, str] = {}
    for _, group_ids in owner.groupby(owner).groups.items():
        split_of_group |= _draw_species(list(group_ids), config, kept)
    table["split"] = table["group_id"].map(split_of_group)
    missing = [split for split in SPLITS if split not in set(table["split"])]
    if missing:
        raise SplitError(
            f"{len(owner)} source recordings of {owner.nunique()} species leave {' and '.join(missing)} empty: "
            "at least one species needs three recordings"
        )
    splits_of = {str(label): set(splits) for label, splits in table.groupby("primary_label")["split"]}
    too_small = {
        label: sorted(splits, key=SPLITS.index)
        for label, splits in sorted(splits_of.items())
        if len(splits) < len(SPLITS)
    }
    table = table.sort_values("recording_id", ignore_index=True)
    columns = ["recording_id", "group_id", "primary_label", "split"]
    return Split(table[columns], too_small, _split_history(table, previous), int(table["group_id"].isin(kept).sum()))


def read_split_history(path: Path) -> pd.DataFrame:
    """The split history of an earlier run: a Parquet file, or the bundle that carries it as `split.parquet`.

    Raises:
        SplitError: It cannot be read, or is none.
    """
    file = path / "split.parquet" if path.is_dir() else path
    try:
        split_history = with_split(read_frame(file))
    except (OSError, ValueError) as error:
        raise SplitError(f"{file} is no earlier assignment: {error}") from error
    missing = [name for name in SPLIT_HISTORY_COLUMNS if name not in split_history]
    unknown = sorted(set(split_history.get("split", [])) - set(SPLITS))
    if missing or unknown:
        fault = f"column {missing[0]!r} is missing" if missing else f"split {unknown[0]!r} is unknown"
        raise SplitError(f"{file} is no earlier assignment: {fault}")
    return split_history[SPLIT_HISTORY_COLUMNS]


def with_split(table: pd.DataFrame) -> pd.DataFrame:
    """A table with its column `split`, which files from before 0.1.0 call `part`."""
    return table if "split" in table else table.rename(columns={"part": "split"})


def source_groups(recordings: pd.DataFrame, config: SplitConfig) -> pd.Series[str]:
    """The group of each recording: what is never in two splits, named after its first recording or its owner.

    Args:
        recordings: As for `draw_split`.
        config: What groups are made of.
    """
    # By the sound where it is known: the same sound in two formats is one source.
    sound = "decoded_sha256" if "decoded_sha256" in recordings else "sha256"
    same_sound = recordings.groupby(sound)["recording_id"].transform("min")
    column = {"recording": None, "recordist": "author", "site": "site"}[config.group_by]
    if column is None:
        return same_sound
    # The group is its first recording's: the same sound under two names stays together.
    first = recordings.sort_values("recording_id").groupby(sound)[["primary_label", column]].first()
    label = recordings[sound].map(first["primary_label"])
    who = recordings[sound].map(first[column]).fillna("")
    n_owners = who[who != ""].groupby(label).nunique()
    wide = (label.map(n_owners).fillna(0) >= _MIN_OWNERS) & (who != "")
    return same_sound.where(~wide, label + " by " + who)


def _kept_splits(table: pd.DataFrame, previous: pd.DataFrame | None) -> dict[str, str]:
    """By group, the split that an earlier run drew for one of its recordings."""
    if previous is None or previous.empty:
        return {}
    strictest = previous.assign(rank=previous["split"].map(_STRICTNESS)).sort_values("rank")
    by_name = dict(zip(strictest["recording_id"], strictest["split"], strict=True))
    by_bytes = dict(zip(strictest["sha256"], strictest["split"], strict=True))
    kept: dict[str, str] = {}
    for row in table.itertuples():
        found = [split for split in (by_name.get(row.recording_id), by_bytes.get(row.sha256)) if split]
        if row.group_id in kept:
            found.append(kept[str(row.group_id)])
        if found:
            kept[str(row.group_id)] = max(found, key=lambda split: _STRICTNESS[split])
    return kept


def _draw_species(group_ids: list[str], config: SplitConfig, kept: Mapping[str, str]) -> dict[str, str]:
    def draw(group_id: str) -> str:
        return hashlib.sha256(f"{config.seed}:{group_id}".encode()).hexdigest()

    n_groups = len(group_ids)
    n_test = max(1, round(n_groups * config.test_share)) if n_groups >= 2 else 0
    n_validation = max(1, round(n_groups * config.validation_share)) if n_groups >= 3 else 0
    # Whatever the shares, three groups are enough for three splits.
    n_validation = min(n_validation, max(0, n_groups - 2))
    n_test = min(n_test, n_groups - 1 - n_validation)
    before = {name: kept[name] for name in group_ids if name in kept}
    counts = {split: sum(1 for other in before.values() if other == split) for split in SPLITS}
    splits = ["test"] * max(0, n_test - counts["test"]) + ["validation"] * max(0, n_validation - counts["validation"])
    new = sorted((name for name in group_ids if name not in kept), key=draw)
    if not counts["train"] and len(splits) >= len(new) and before:
        # What was held out stays so; then the first new group is what the species can be learned from.
        splits = ["train", *splits]
    splits = (splits + ["train"] * len(new))[: len(new)]
    return before | dict(zip(new, splits, strict=True))


def _split_history(table: pd.DataFrame, previous: pd.DataFrame | None) -> pd.DataFrame:
    now = table[SPLIT_HISTORY_COLUMNS]
    if previous is None or previous.empty:
        return now
    # A name that was given to other bytes does not make the former ones unknown.
    present = set(zip(now["recording_id"], now["sha256"], strict=True))
    pairs = zip(previous["recording_id"], previous["sha256"], strict=True)
    gone = previous[[pair not in present for pair in pairs]]
    return pd.concat([now, gone[SPLIT_HISTORY_COLUMNS]]).sort_values("recording_id", ignore_index=True)


def check_disjoint(assignment: pd.DataFrame) -> None:
    """Hold an assignment to its promise.

    Raises:
        SplitError: A group is in two splits, or a recording is listed twice.
    """
    if assignment["recording_id"].duplicated().any():
        twice = assignment.loc[assignment["recording_id"].duplicated(), "recording_id"].iloc[0]
        raise SplitError(f"recording {twice!r} is assigned twice")
    splits = assignment.groupby("group_id")["split"].nunique()
    if (splits > 1).any():
        raise SplitError(f"group {splits.idxmax()!r} is in more than one split: its recordings leak into the test")
