"""join_folds: a head with the same head trained without each fold."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from silencio.errors import ModelError
from silencio.training.checkpoint import TrainedHead


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        whole: Folder of the head that was trained on all recordings.
        folds: Folders of the heads that were trained without a fold each; one that is given twice counts once.
    """

    whole: Path
    folds: Sequence[Path]


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        model: Folder of the head with its folds.
    """

    model: Path


def run(inputs: Inputs, outputs: Outputs) -> dict[str, float]:
    """Put them together.

    Returns:
        For the run's page: how many folds there are, and how many recordings they predict.

    Raises:
        ModelError: A fold is missing, or one is of another head, or of other settings, features or classes.
    """
    whole = TrainedHead.load(inputs.whole)
    folds = sorted((TrainedHead.load(path) for path in dict.fromkeys(inputs.folds)), key=lambda one: one.fold or 0)
    if [one.fold for one in folds] != list(range(len(folds))):
        raise ModelError(f"{whole.name} was trained without folds {[one.fold for one in folds]}: one is missing")
    for one in folds:
        for name in ("name", "config", "spec_sha256", "classes_sha256"):
            if getattr(one, name) != getattr(whole, name):
                raise ModelError(
                    f"{whole.name} and {one.name} without fold {one.fold} have different {name}: train them again"
                )
    # With all that lies beside its weights, such as its record for MLflow.
    shutil.copytree(inputs.whole, outputs.model, dirs_exist_ok=True)
    joined = replace(whole, folds=tuple(folds))
    joined.save(outputs.model)
    return {"folds": len(folds), "recordings": len(joined.held_out.recording_ids)}
