"""The made-up reserve with two heads that were cross-fitted, at library level."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from silencio.config import RunConfig, resolve
from silencio.data.birdclef import read_birdclef
from silencio.data.shards import write_shard
from silencio.data.split import draw_split, placed
from silencio.data.validate import validate_recordings
from silencio.steps import join_folds
from silencio.taxonomy import ClassList
from silencio.training.calibrate import DecisionRule, calibrate_ensemble
from silencio.training.checkpoint import TrainedHead
from silencio.training.ensemble import FittedEnsemble, fit_ensemble
from silencio.training.fit import fit_head
from tests.tiny_reserve import TWO_SMALL_HEADS, write_source

N_FOLDS = 3


@dataclass(frozen=True)
class CrossFitted:
    """What the steps up to `calibrate` leave."""

    folder: Path
    config: RunConfig
    classes: ClassList
    recordings: pd.DataFrame
    assignment: pd.DataFrame
    split_history: pd.DataFrame
    shards: list[Path]
    heads: list[TrainedHead]
    ensemble: FittedEnsemble
    decision_rule: DecisionRule

    def fold(self, number: int) -> list[str]:
        """Recordings of a fold."""
        return sorted(self.assignment.loc[self.assignment["fold"] == number, "recording_id"])


def cross_fitted(folder: Path) -> CrossFitted:
    """Train two heads on everything and without each fold, and fit what follows them."""
    text = TWO_SMALL_HEADS.replace("  texture: null\n", "").replace("  effnet_lora: null\n", "")
    config = resolve(text, overrides=["split.scheme=cross_fit", f"split.n_folds={N_FOLDS}"])
    source = read_birdclef(write_source(folder / "reserve"))
    usable = validate_recordings(source.recordings).usable
    split = draw_split(usable, config.split)
    recordings = usable.merge(split.assignment[placed(split.assignment)], on="recording_id")
    write_shard(recordings, config.features, folder / "shard")
    heads = [_head(name, config, [folder / "shard"], source.classes, folder / name) for name in config.heads]
    ensemble = fit_ensemble(heads, recordings, config, source.classes)
    rule = calibrate_ensemble(ensemble, recordings, config, source.classes)
    return CrossFitted(
        folder,
        config,
        source.classes,
        recordings,
        split.assignment,
        split.split_history,
        [folder / "shard"],
        heads,
        ensemble,
        rule,
    )


def _head(name: str, config: RunConfig, shards: list[Path], classes: ClassList, folder: Path) -> TrainedHead:
    fit_head(name, config, shards, classes, folder / "whole")
    folds = [folder / f"without-{number}" for number in range(N_FOLDS)]
    for number, place in enumerate(folds):
        fit_head(name, config, shards, classes, place, fold=number)
    join_folds.run(join_folds.Inputs(folder / "whole", folds), join_folds.Outputs(folder / "joined"))
    return TrainedHead.load(folder / "joined")
