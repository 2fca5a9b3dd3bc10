"""split: from usable recordings to their splits and shards."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from silencio.bundle.manifest import SPLIT_HISTORY
from silencio.data.config import DataConfig
from silencio.data.folds import fold_name
from silencio.data.recordings import read_recordings, write_table
from silencio.data.shards import plan_shards
from silencio.data.split import NO_FOLD, SPLITS, Split, check_disjoint, draw_split, read_split_history
from silencio.data.unlabelled_pool import POOL, hide
from silencio.errors import SplitError
from silencio.reports import bars, page
from silencio.storage import is_local, join, local_path, name_of, read_bytes

# What of `cross_fit` never trains.
_REPLAY = "replay"


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Its part of the configuration.
        usable: The recordings.
        previous: Split history of an earlier run, or the bundle that holds it, in a folder or in S3; empty where there
            is none.
    """

    config: DataConfig
    usable: Path
    previous: str = ""


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        assignment: Split and shard of every recording (Parquet).
        split_history: Split of every recording that this or an earlier run ever had; handed to the next run.
        report: Page about the split.
    """

    assignment: Path
    split_history: Path
    report: Path


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        metrics: For the run's page: how many recordings each split has.
        split_sha256: Identity of the assignment.
    """

    metrics: dict[str, float]
    split_sha256: str


def run(inputs: Inputs, outputs: Outputs) -> Outcome:
    """Draw the split and plan the shards.

    Raises:
        SplitError: There are too few recordings, or no split history lies where `previous` says.
        StorageError: S3 does not answer, or has nothing there.
    """
    config, previous = inputs.config, inputs.previous
    usable = read_recordings(inputs.usable)
    split = draw_split(usable, config.split, _earlier_history(previous) if previous else None)
    check_disjoint(split.assignment)
    assignment = split.assignment
    if config.self_training and config.self_training.pool == "hidden":
        # Not in the history: to the next run, what is hidden here is a training recording.
        assignment = hide(assignment, config.self_training.hidden_share, config.split.seed)
    planned = plan_shards(usable, assignment, config.seconds_per_shard)
    shard_of = {name: number for number, plan in enumerate(planned) for name in plan.recording_ids}
    assignment = assignment.assign(shard=assignment["recording_id"].map(shard_of))
    write_table(assignment, outputs.assignment)
    write_table(split.split_history, outputs.split_history)
    _write_page(assignment, split, outputs.report)
    places = _places(assignment)
    splits = places.value_counts()
    identity = "\n".join(f"{name} {place}" for name, place in zip(assignment["recording_id"], places, strict=True))
    return Outcome(
        metrics={
            **{split_name: int(splits[split_name]) for split_name in _names(assignment)},
            "species_too_small": len(split.too_small),
            "kept": split.n_kept,
        },
        split_sha256=hashlib.sha256(identity.encode()).hexdigest(),
    )


def _earlier_history(place: str) -> pd.DataFrame:
    """Of a place that `--previous` names.

    Raises:
        SplitError: No split history lies there.
        StorageError: S3 does not answer, or has nothing there.
    """
    if is_local(place):
        return read_split_history(local_path(place))
    file = place if place.endswith(".parquet") else join(place, SPLIT_HISTORY)
    with tempfile.TemporaryDirectory(prefix="silencio-split-") as folder:
        fetched = Path(folder) / name_of(file)
        fetched.write_bytes(read_bytes(file))
        try:
            return read_split_history(fetched)
        except SplitError as error:
            raise SplitError(str(error).replace(str(fetched), file)) from error


def _places(assignment: pd.DataFrame) -> pd.Series[str]:
    """Where each recording is: its split, or its fold where there are folds."""
    if "fold" not in assignment:
        return assignment["split"]
    return assignment["fold"].map(fold_name).where(assignment["fold"] != NO_FOLD, _REPLAY)


def _names(assignment: pd.DataFrame) -> list[str]:
    if "fold" in assignment:
        folds = [fold_name(number) for number in range(int(assignment["fold"].max()) + 1)]
        return [*folds, *([_REPLAY] if (assignment["fold"] == NO_FOLD).any() else [])]
    return [*SPLITS, *([POOL] if (assignment["split"] == POOL).any() else [])]


def _write_page(assignment: pd.DataFrame, split: Split, path: Path) -> None:
    splits = _names(assignment)
    table = assignment.groupby([assignment["primary_label"], _places(assignment)]).size().unstack(fill_value=0)
    table = table.reindex(columns=splits, fill_value=0)
    small = pd.DataFrame([{"species": label, "only in": ", ".join(found)} for label, found in split.too_small.items()])
    page(
        "Split by source recording",
        [
            bars(
                {split_name: list(table[split_name]) for split_name in splits},
                [str(label) for label in table.index],
                "recordings",
            ),
            (
                "Species of one fold alone" if "fold" in assignment else "Species too small for three splits",
                small if len(small) else "None.",
            ),
        ],
        path,
    )
