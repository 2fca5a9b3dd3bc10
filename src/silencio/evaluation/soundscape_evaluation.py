"""The test set as the field would have it: in soundscapes, in noise, beside other animals, and in silence."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from silencio.data.backgrounds import BackgroundPool
from silencio.data.calls import LabelledWaveform
from silencio.data.shards import ShardSet
from silencio.data.soundscapes import SoundscapeConfig, generate_soundscapes
from silencio.data.source import open_source
from silencio.errors import DataError, DecodeError, StorageError
from silencio.evaluation.failure_modes import FailureModeConfig, failure_modes
from silencio.evaluation.soundscape_metrics import evaluate_soundscapes
from silencio.evaluation.soundscapes import joined, score_soundscapes, timelines
from silencio.evaluation.window_model import FoldModels, WindowModel
from silencio.features import FeatureSpec, FrontEnd
from silencio.storage import name_of, read_bytes
from silencio.taxonomy import ClassList, name_key

_logger = logging.getLogger(__name__)


def held_out_backgrounds(soundscapes: pd.DataFrame, spec: FeatureSpec) -> BackgroundPool:
    """The half of a source's unlabelled soundscapes that no training ever mixes in, read where they lie.

    Args:
        soundscapes: Rows with `path`.
        spec: Feature spec, for its sample rate.
    """
    front_end = FrontEnd(spec)

    def reader(path: str) -> Callable[[], NDArray[np.int16]]:
        return lambda: front_end.waveform(read_bytes(path))

    return BackgroundPool(spec.sample_rate_hz, {name_of(path): reader(path) for path in soundscapes["path"]}, "test")


def evaluate_in_soundscapes(
    model: WindowModel,
    test_set: ShardSet,
    backgrounds: BackgroundPool,
    classes: ClassList,
    thresholds: NDArray[np.floating],
    config: SoundscapeConfig,
    folds: FoldModels | None = None,
) -> dict[str, Any]:
    """Metrics of soundscapes into which test calls were mixed, and what was detected in them.

    With folds, each model gets soundscapes of the calls that it had not seen, and all of them together are evaluated.

    Returns:
        `metrics` (`SoundscapeMetrics`) and `timeline`, as JSON has them.
    """
    models = [(model, test_set, thresholds, config)] if folds is None else _by_fold(folds, test_set, config)
    parts, limits, drawn = [], [], []
    for predict, own, threshold, how in models:
        made = generate_soundscapes(_calls(own, of_one_species=True), backgrounds, own.spec, how)
        parts.append(score_soundscapes(predict, made, own.spec, classes))
        limits.append(np.tile(threshold, (len(parts[-1].rows), 1)))
        drawn += timelines(parts[-1], classes, threshold)
    return {
        "metrics": evaluate_soundscapes(joined(parts), np.concatenate(limits)).to_dict(),
        "timeline": drawn,
    }


_FoldModel = tuple[WindowModel, ShardSet, NDArray[np.floating], SoundscapeConfig]


def _by_fold(folds: FoldModels, test_set: ShardSet, config: SoundscapeConfig) -> list[_FoldModel]:
    """Each fold's model with its calls, and as many soundscapes as make the configured number together."""
    fold = test_set.table["recording_id"].map(folds.fold_of).to_numpy()
    n_each = max(1, round(config.n_soundscapes / len(folds.predict)))
    return [
        (
            predict,
            test_set.subset(fold == number),
            folds.thresholds[number],
            # On days of their own, so that no two have one name.
            config.model_copy(
                update={
                    "seed": config.seed + number,
                    "n_soundscapes": n_each,
                    "start": config.start + timedelta(days=number),
                }
            ),
        )
        for number, predict in enumerate(folds.predict)
    ]


def try_failure_modes(
    model: WindowModel,
    test_set: ShardSet,
    backgrounds: BackgroundPool,
    classes: ClassList,
    thresholds: NDArray[np.floating],
    config: FailureModeConfig,
    folds: FoldModels | None = None,
) -> dict[str, Any]:
    """What becomes of the metrics when test recordings are made worse, and what is named where there is nothing."""
    found = failure_modes(
        model,
        _calls(test_set),
        test_set.spec,
        classes,
        thresholds,
        config,
        backgrounds=backgrounds.waveforms(),
        foreign=foreign_calls(config, classes, test_set.spec) if config.foreign else (),
        folds=folds,
    )
    return found.to_dict()


def foreign_calls(config: FailureModeConfig, classes: ClassList, spec: FeatureSpec) -> Iterator[LabelledWaveform]:
    """Animals that the model cannot name, out of another source; a place that does not answer has none, as is logged.

    Two lists rarely share their codes: an animal is known by its scientific name as well.

    Args:
        config: Names the source.
        classes: What the model can name.
        spec: Feature spec, for its sample rate.
    """
    try:
        source = open_source(config.foreign)
    except (DataError, StorageError) as error:
        _logger.warning("animals outside the class list are not tried: %s", error)
        return
    known = {name_key(one.scientific_name) for one in classes}
    strange = {one.code for one in source.classes if name_key(one.scientific_name) not in known} - set(classes.codes)
    table = source.recordings
    kept = table[table["primary_label"].isin(strange) & ~table["secondary_labels"].map(bool)]
    # Decoding is what costs: a few more than are wanted, some of them hold nothing.
    drawn = kept.sample(min(len(kept), 2 * config.max_recordings), random_state=config.seed)
    front_end = FrontEnd(spec)
    for name, code, path in zip(drawn["recording_id"], drawn["primary_label"], drawn["path"], strict=True):
        with contextlib.suppress(DecodeError, StorageError):
            yield LabelledWaveform(name, code, front_end.waveform(read_bytes(path)))


def _calls(test_set: ShardSet, *, of_one_species: bool = False) -> Iterator[LabelledWaveform]:
    table = test_set.table
    alone = [not len(others) for others in table["secondary_labels"]]
    # A second species in a call would stand in no annotation; where nothing else is at hand, that is the lesser evil.
    kept = [i for i in range(len(table)) if alone[i] or not of_one_species or not any(alone)]
    return (LabelledWaveform(table["recording_id"][i], table["primary_label"][i], test_set.waveform(i)) for i in kept)
