"""The split: whole recordings go to train, validation or test, stratified by species.

The draw uses SHA-256 of seed and group, not a random generator: the same seed gives the same split on any machine,
in any order of rows, and with any version of any library.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from silencio.errors import SplitError

PARTS = ("train", "validation", "test")


class SplitConfig(BaseModel):
    """How recordings are divided.

    Attributes:
        seed: Another seed, another split.
        validation_share: Share of a species' recordings that choose between models.
        test_share: Share that is read once, at the end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    seed: int = 0
    validation_share: float = Field(0.2, gt=0, lt=1)
    test_share: float = Field(0.2, gt=0, lt=1)

    @model_validator(mode="after")
    def _train_remains(self) -> Self:
        if self.validation_share + self.test_share >= 1:
            raise ValueError("validation_share and test_share leave nothing to train on")
        return self


@dataclass(frozen=True)
class Split:
    """The drawn split.

    Attributes:
        assignment: `recording_id`, `group_id`, `primary_label`, `part`, sorted by recording_id.
        too_small: Species that are not in all three parts, for want of groups of their own, each with the parts that
            it is in.
    """

    assignment: pd.DataFrame
    too_small: dict[str, list[str]]


def draw_split(recordings: pd.DataFrame, config: SplitConfig) -> Split:
    """Divide recordings by group, so that no source recording is in two parts.

    A group is a source recording: one file, or several files with the same bytes. A species with one group can only
    be trained on; with two it is trained on and tested; with three or more it is in all three parts.

    Args:
        recordings: Usable recordings with `recording_id`, `primary_label`, `sha256`.
        config: Seed and shares.

    Raises:
        SplitError: Fewer than three recordings in all, or none can be held out.
    """
    groups = recordings.groupby("sha256")["recording_id"].transform("min").rename("group_id")
    table = pd.concat([recordings[["recording_id", "primary_label"]], groups], axis=1)
    # The same bytes under two labels are one group still, drawn with the label of its first recording.
    owner = table.sort_values("recording_id").groupby("group_id")["primary_label"].first()
    part_of_group: dict[str, str] = {}
    for _, group_ids in owner.groupby(owner).groups.items():
        part_of_group |= _draw_species(list(group_ids), config)
    table["part"] = table["group_id"].map(part_of_group)
    missing = [part for part in PARTS if part not in set(table["part"])]
    if missing:
        raise SplitError(
            f"{len(owner)} source recordings of {owner.nunique()} species leave {' and '.join(missing)} empty: "
            "at least one species needs three recordings"
        )
    in_parts = {str(label): set(parts) for label, parts in table.groupby("primary_label")["part"]}
    too_small = {
        label: sorted(parts, key=PARTS.index) for label, parts in sorted(in_parts.items()) if len(parts) < len(PARTS)
    }
    columns = ["recording_id", "group_id", "primary_label", "part"]
    return Split(table[columns].sort_values("recording_id", ignore_index=True), too_small)


def _draw_species(group_ids: list[str], config: SplitConfig) -> dict[str, str]:
    def draw(group_id: str) -> str:
        return hashlib.sha256(f"{config.seed}:{group_id}".encode()).hexdigest()

    order = sorted(group_ids, key=draw)
    n_groups = len(order)
    n_test = max(1, round(n_groups * config.test_share)) if n_groups >= 2 else 0
    n_validation = max(1, round(n_groups * config.validation_share)) if n_groups >= 3 else 0
    # Whatever the shares, three groups are enough for three parts.
    n_validation = min(n_validation, max(0, n_groups - 2))
    n_test = min(n_test, n_groups - 1 - n_validation)
    parts = ["test"] * n_test + ["validation"] * n_validation
    parts += ["train"] * (n_groups - len(parts))
    return dict(zip(order, parts, strict=True))


def check_disjoint(assignment: pd.DataFrame) -> None:
    """Hold an assignment to its promise.

    Raises:
        SplitError: A group is in two parts, or a recording is listed twice.
    """
    if assignment["recording_id"].duplicated().any():
        twice = assignment.loc[assignment["recording_id"].duplicated(), "recording_id"].iloc[0]
        raise SplitError(f"recording {twice!r} is assigned twice")
    parts = assignment.groupby("group_id")["part"].nunique()
    if (parts > 1).any():
        raise SplitError(f"group {parts.idxmax()!r} is in more than one part: its recordings leak into the test")
