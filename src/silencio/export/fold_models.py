"""What a bundle's graph would be without each fold, as torch runs it: for sound that is made of a fold's recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from silencio.config import RunConfig
from silencio.encoders import EMBEDDING, Encoder
from silencio.encoders.registry import encoder_file, encoder_spec
from silencio.evaluation.window_model import FoldModels, WindowModel
from silencio.export.ensemble_graph import EnsembleGraph
from silencio.features import FrontEnd
from silencio.settings import Settings
from silencio.taxonomy import ClassList
from silencio.training.calibrate import DecisionRule
from silencio.training.checkpoint import TrainedHead
from silencio.training.ensemble import FittedEnsemble

_WINDOWS_AT_ONCE = 16


def fold_models(
    heads: Sequence[TrainedHead],
    ensemble: FittedEnsemble,
    decision_rule: DecisionRule,
    fold_of: Mapping[str, int],
    config: RunConfig,
    classes: ClassList,
) -> FoldModels:
    """Models of which each was made without one fold.

    Args:
        heads: The trained heads, with their folds.
        ensemble: The fitted ensemble, with its folds.
        decision_rule: Calibration and thresholds, with their folds.
        fold_of: Fold of each recording.
        config: Features, and where encoders' weights are.
        classes: The order of the outputs.

    Raises:
        ModelError: A head was trained on other features or classes.
        PretrainedWeightsError: An encoder's weights are not here.
    """
    by_name = {head.name: head for head in heads}
    names = sorted({name for head in heads for name in head.encoders})
    rate_hz = config.features.sample_rate_hz
    encoders = {
        EMBEDDING + name: Encoder(
            encoder_file(name, config.encoders[name]),
            encoder_spec(name, config.encoders[name]),
            rate_hz,
            Settings().session_threads,
        )
        for name in names
    }
    front_end, predict = FrontEnd(config.features), []
    for number, (fitted, rule) in enumerate(zip(ensemble.folds, decision_rule.folds, strict=True)):
        own = [by_name[name].folds[number] for name in fitted.heads]
        modules = [head.module(config.features, classes) for head in own]
        graph = EnsembleGraph(
            [module.deployable().eval() for module in modules],
            [module.input_names for module in modules],
            [head.config.loss for head in own],
            fitted.module(),
            rule.calibration,
        ).eval()
        predict.append(_model(graph, front_end, encoders))
    return FoldModels(predict, [np.array(rule.thresholds.values) for rule in decision_rule.folds], fold_of)


def _model(graph: EnsembleGraph, front_end: FrontEnd, encoders: Mapping[str, Encoder]) -> WindowModel:
    def predict(waveform: NDArray[np.int16]) -> NDArray[np.float32]:
        known = front_end.features(waveform).inputs
        windows = np.asarray(known["waveform"], np.int16)
        inputs = [
            torch.from_numpy(np.array(encoders[name].embed(windows) if name in encoders else known[name]))
            for name in graph.input_names
        ]
        with torch.inference_mode():
            parts = [
                graph(*(one[begin : begin + _WINDOWS_AT_ONCE] for one in inputs)).numpy()
                for begin in range(0, len(windows), _WINDOWS_AT_ONCE)
            ]
        return np.concatenate(parts).astype(np.float32)

    return predict
