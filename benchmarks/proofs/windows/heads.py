"""Each head's predictions of a fold's recordings under each rule."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.accuracy.references import EncoderRegression
from benchmarks.proofs.windows.sound import ENCODER, Rule, Sound, cut_of, window_shares
from silencio.data.embeddings import grid_starts, grid_windows
from silencio.data.shards import ShardSet
from silencio.models.head import HeadContext
from silencio.models.heads.texture import Texture, TextureConfig
from silencio.training.loop import predict, train_head

# Of float32 these digits are more than enough.
_DIGITS = 7
_TEXTURE_C = 0.01
# By the window's sha256: most windows are the same under every rule.
_textures_of_windows: dict[bytes, NDArray[np.float32]] = {}
Predictions = dict[str, Any]
"""`windows`, (n_windows, n_classes); `n_windows` of each recording; of regressions `recordings`, (n, n_classes)."""


def regression(sound: Sound, fold: int, rule: Rule, speeds: tuple[int, ...]) -> Predictions:
    """A logistic regression on mean embeddings, fitted and applied under the rule.

    Args:
        sound: Sound of the recordings.
        fold: Number of the fold that is the test set.
        rule: How rests count, in the means of training as in those that are tested.
        speeds: Numbers of BirdNET's speeds that are used.
    """
    training, test_set = (sound.fold(cut_of(rule), fold, part) for part in ("training", "test"))
    n_speeds = len(training.encoders[ENCODER].spec.speeds)
    labels = training.table["primary_label"].to_numpy(str)
    model = EncoderRegression(_means(training, rule), labels, sound.reserve.classes, n_speeds, speeds)
    served = [test_set.embedding(ENCODER, index)[: test_set.n_windows(index)] for index in range(len(test_set))]
    windows = model(np.concatenate(served).astype(np.float64))
    return _predictions(test_set, windows) | {"recordings": _plain(model(_means(test_set, rule)))}


def network(sound: Sound, fold: int, rule: Rule, name: str) -> Predictions:
    """A head of the preset, trained and applied under the rule."""
    config = sound.config(cut_of(rule))
    trained = train_head(name, config, sound.fold(cut_of(rule), fold, "train"), sound.reserve.classes)
    test_set = sound.fold(cut_of(rule), fold, "test")
    return _predictions(test_set, predict(trained.module, test_set).probabilities)


def regression_on_textures(sound: Sound, fold: int, rule: Rule) -> Predictions:
    """A logistic regression on the statistics that `texture` takes, of the grid's windows one by one.

    It takes no encoder and trains in seconds: the head itself, on crops from anywhere, takes ten minutes of a core a
    fold.
    """
    training, test_set = (sound.fold(cut_of(rule), fold, part) for part in ("training", "test"))
    parts = [_textures(training, index) for index in range(len(training))]
    n_windows = [len(one) for one in parts]
    labels = np.repeat(training.table["primary_label"].to_numpy(str), n_windows)
    shares = [_grid_shares(training, index) if rule == "weighted" else np.ones(n) for index, n in enumerate(n_windows)]
    # Every recording counts as much, however long it is.
    weights = np.concatenate([one / one.sum() for one in shares]) * (len(labels) / len(training))
    model = make_pipeline(StandardScaler(), LogisticRegression(C=_TEXTURE_C, max_iter=2000))
    model.fit(np.concatenate(parts), labels, logisticregression__sample_weight=weights)
    served = [_textures(test_set, index)[: test_set.n_windows(index)] for index in range(len(test_set))]
    windows = np.zeros((sum(len(one) for one in served), len(sound.reserve.classes)))
    windows[:, [sound.reserve.classes.index[code] for code in model.classes_]] = model.predict_proba(
        np.concatenate(served)
    )
    return _predictions(test_set, windows)


def _textures(shards: ShardSet, index: int) -> NDArray[np.float32]:
    """Statistics of a recording's grid, (n_grid, n_statistics)."""
    head = Texture.build(TextureConfig(), HeadContext(shards.spec, 1, {}))
    found = []
    for window in grid_windows(shards.waveform(index), shards.spec):
        name = hashlib.sha256(window.data).digest()
        if name not in _textures_of_windows:
            _textures_of_windows[name] = head.statistics(torch.from_numpy(window[None])).numpy()
        found.append(_textures_of_windows[name])
    return np.concatenate(found)


def _means(shards: ShardSet, rule: Rule) -> NDArray[np.float64]:
    """Mean embedding of each recording over its grid, as `benchmarks.accuracy` has it."""
    mean: Callable[[int], NDArray[np.float64]]

    def weighted(index: int) -> NDArray[np.float64]:
        embeddings = np.asarray(shards.embedding(ENCODER, index), np.float64)
        return np.average(embeddings, axis=0, weights=_grid_shares(shards, index))

    def plain(index: int) -> NDArray[np.float64]:
        return np.asarray(shards.embedding(ENCODER, index).mean(axis=0, dtype=np.float64))

    mean = weighted if rule == "weighted" else plain
    return np.stack([mean(index) for index in range(len(shards))])


def _grid_shares(shards: ShardSet, index: int) -> NDArray[np.float64]:
    own = window_shares(shards, index)
    n_between = len(grid_starts(len(shards.waveform(index)), shards.spec)) - len(own)
    return np.concatenate([own, np.ones(n_between)])


def _predictions(test_set: ShardSet, windows: NDArray[np.floating]) -> Predictions:
    n_windows = [test_set.n_windows(index) for index in range(len(test_set))]
    return {"n_windows": n_windows, "windows": _plain(windows)}


def _plain(values: NDArray[np.floating]) -> list[list[float]]:
    return [[round(float(value), _DIGITS) for value in row] for row in values]
