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
from typing import Annotated, Literal, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from silencio.data.folds import deal_groups, fold_name, fold_number
from silencio.data.frames import read_frame
from silencio.errors import SplitError

SPLITS = ("train", "validation", "test")
SPLIT_HISTORY_COLUMNS = ["recording_id", "group_id", "sha256", "primary_label", "split"]
# Where recordings of one group were in several splits, the later one here wins: what was tested on is not trained on.
_STRICTNESS = {split: number for number, split in enumerate(SPLITS)}
_MIN_OWNERS = 3
# A release replays hundreds of recordings: from a thousand on, a tenth is that many and no loss to learn from.
_REPLAY_FROM, _REPLAY_SHARE = 1_000, 0.1
# To whatever is in no fold.
NO_FOLD = -1
# Places for models without a fold in a pipeline: KFP has no lists of artifacts of different tasks.
MAX_FOLDS = 10


class SplitConfig(BaseModel):
    """How recordings are divided.

    Attributes:
        scheme: `holdout` keeps recordings back for validation and test. `cross_fit` keeps none: every recording is
            trained on, and evaluated by models that were trained without its fold.
        seed: Seed of the draw; another seed, another split.
        validation_share: Share of a species' recordings that choose between models; of `holdout`.
        test_share: Share that is read once, at the end; of `holdout`.
        n_folds: Number of folds; of `cross_fit`.
        release_replay: What of `cross_fit` never trains, so that a release can replay it: a share of each species'
            recordings, or their names. None: a tenth from 1,000 recordings on, and below nothing.
        group_by: What is never in two splits: a source `recording`; or all recordings of a species by one `recordist`,
            or of one `site`, for the species that have at least three of them (the others stay with recordings).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    scheme: Literal["holdout", "cross_fit"] = "holdout"
    seed: int = 0
    validation_share: float = Field(0.2, gt=0, lt=1)
    test_share: float = Field(0.2, gt=0, lt=1)
    n_folds: int = Field(5, ge=2, le=MAX_FOLDS)
    release_replay: Annotated[float, Field(ge=0, lt=1)] | tuple[str, ...] | None = None
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
        assignment: `recording_id`, `group_id`, `primary_label`, `split`, sorted by recording_id; with `fold` where the
            scheme is `cross_fit`, in which `test` is what a release replays, of fold `NO_FOLD`.
        too_small: Species that are not in all three splits, for want of groups of their own, each with the splits that
            it is in; of `cross_fit`, those of one fold alone, which no model can name that was trained without it.
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
    if config.scheme == "cross_fit":
        return _dealt(table, owner, config, previous)
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


def _dealt(table: pd.DataFrame, owner: pd.Series[str], config: SplitConfig, previous: pd.DataFrame | None) -> Split:
    """Every group in a fold, or aside for the release; to the history, its fold is its split."""
    label_of = {str(name): str(label) for name, label in owner.items()}
    kept = _kept_folds(table, previous)
    aside = _for_release(table, label_of, config, previous, kept)
    dealt = {name: label for name, label in label_of.items() if name not in aside}
    fold_of = dict.fromkeys(aside, NO_FOLD) | deal_groups(dealt, config.n_folds, config.seed, kept)
    table = table.assign(fold=table["group_id"].map(fold_of)).sort_values("recording_id", ignore_index=True)
    table["split"] = np.where(table["fold"] == NO_FOLD, "test", "train")
    in_folds = table[table["fold"] != NO_FOLD]
    folds_of = {str(label): sorted(set(folds)) for label, folds in in_folds.groupby("primary_label")["fold"]}
    too_small = {label: [fold_name(folds[0])] for label, folds in sorted(folds_of.items()) if len(folds) == 1}
    columns = ["recording_id", "group_id", "primary_label", "split", "fold"]
    places = table["fold"].map(fold_name).where(table["fold"] != NO_FOLD, "test")
    is_kept = [kept.get(str(name)) == fold for name, fold in zip(table["group_id"], table["fold"], strict=True)]
    return Split(table[columns], too_small, _split_history(table.assign(split=places), previous), sum(is_kept))


def _for_release(
    table: pd.DataFrame,
    label_of: Mapping[str, str],
    config: SplitConfig,
    previous: pd.DataFrame | None,
    in_folds: Mapping[str, int],
) -> set[str]:
    """Groups that never train. What was in a fold of an earlier run was trained on, and is not drawn.

    Raises:
        SplitError: A recording that is to be replayed is not there.
    """
    wanted = config.release_replay
    if isinstance(wanted, tuple):
        group_of = dict(zip(table["recording_id"], table["group_id"], strict=True))
        if missing := [name for name in wanted if name not in group_of]:
            raise SplitError(f"split.release_replay names {missing[0]!r}, which is no usable recording")
        return {str(group_of[name]) for name in wanted}
    share = wanted if wanted is not None else _REPLAY_SHARE if len(table) >= _REPLAY_FROM else 0.0
    if not share:
        return set()
    held_out = {name for name, split in _kept_splits(table, previous).items() if split == "test"}
    aside: set[str] = set()
    for label in sorted(set(label_of.values())):
        own = [name for name, other in label_of.items() if other == label]
        n_wanted = min(round(len(own) * share), max(0, len(own) - 2))

        def draw(name: str) -> tuple[bool, str]:
            return name not in held_out, hashlib.sha256(f"{config.seed}:replay:{name}".encode()).hexdigest()

        aside |= set(sorted((name for name in own if name not in in_folds), key=draw)[:n_wanted])
    return aside


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
    splits = {str(one) for one in split_history.get("split", [])}
    unknown = sorted(one for one in splits - set(SPLITS) if fold_number(one) is None)
    if missing or unknown:
        fault = f"column {missing[0]!r} is missing" if missing else f"split {unknown[0]!r} is unknown"
        raise SplitError(f"{file} is no earlier assignment: {fault}")
    return split_history[SPLIT_HISTORY_COLUMNS]


def placed(assignment: pd.DataFrame) -> list[str]:
    """Columns of an assignment that say where recordings are, with what they are joined by."""
    return [name for name in ("recording_id", "split", "group_id", "fold") if name in assignment]


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
    # Whatever was in a fold was trained on.
    previous = previous.assign(split=previous["split"].where(previous["split"].isin(SPLITS), "train"))
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


def _kept_folds(table: pd.DataFrame, previous: pd.DataFrame | None) -> dict[str, int]:
    """By group, the fold to which an earlier run dealt one of its recordings; none where that run had no folds."""
    if previous is None or previous.empty:
        return {}
    numbers = previous["split"].map(lambda one: fold_number(str(one)))
    dealt = previous[numbers.notna()].sort_values("recording_id")
    fold_of = numbers[numbers.notna()].astype(int).loc[dealt.index]
    by_name = dict(zip(dealt["recording_id"], fold_of, strict=True))
    by_bytes = dict(zip(dealt["sha256"], fold_of, strict=True))
    kept: dict[str, int] = {}
    for row in table.sort_values("recording_id").itertuples():
        found = by_name.get(row.recording_id, by_bytes.get(row.sha256))
        if found is not None:
            kept.setdefault(str(row.group_id), int(found))
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
        SplitError: A group is in two splits or folds, or a recording is listed twice.
    """
    if assignment["recording_id"].duplicated().any():
        twice = assignment.loc[assignment["recording_id"].duplicated(), "recording_id"].iloc[0]
        raise SplitError(f"recording {twice!r} is assigned twice")
    for column in ("split", "fold"):
        if column in assignment:
            places = assignment.groupby("group_id")[column].nunique()
            if (places > 1).any():
                raise SplitError(
                    f"group {places.idxmax()!r} is in more than one {column}: its recordings leak into the test"
                )
