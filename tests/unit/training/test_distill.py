"""Teaching: what the ensemble says of the grid, and who is taught with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from silencio.data.embeddings import grid_starts
from silencio.data.leaks import check_not_leaked
from silencio.data.shards import ShardSet, write_shard
from silencio.data.soft_labels import SoftLabels
from silencio.data.unlabelled_pool import POOL
from silencio.errors import SplitError
from silencio.training.checkpoint import TrainedHead, WindowProbabilities
from silencio.training.distill import labels_of, soft_labels, training_recordings
from silencio.training.fit import fit_head
from tests.conftest import TinyData, TinyEnsemble


@pytest.fixture(scope="module")
def development(tiny_data: TinyData) -> ShardSet:
    return ShardSet(tiny_data.development, tiny_data.config.features)


@pytest.fixture(scope="module")
def shown(tiny_data: TinyData, tiny_ensemble: TinyEnsemble, development: ShardSet) -> SoftLabels:
    made = (tiny_ensemble.heads, tiny_ensemble.ensemble, development)
    return soft_labels(*made, tiny_data.config, tiny_data.classes)


@pytest.fixture(scope="module")
def pooled(tiny_data: TinyData, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The development part as one shard, the first two training recordings of which have lost their labels."""
    table = tiny_data.recordings[tiny_data.recordings["split"] != "test"].reset_index(drop=True)
    hidden = table.index.isin(table.index[table["split"] == "train"][:2])
    table = table.assign(
        split=table["split"].mask(hidden, POOL), primary_label=table["primary_label"].mask(hidden, ""), group_id="own"
    )
    directory = tmp_path_factory.mktemp("pooled") / "0"
    write_shard(table, tiny_data.config.features, directory)
    return [directory]


def test_soft_labels__on_windows_as_served_are_what_training_saw(
    tiny_ensemble: TinyEnsemble, development: ShardSet, shown: SoftLabels
) -> None:
    # The grid's first windows are those that the ensemble was validated on.
    windows = tiny_ensemble.ensemble.windows
    for at, name in enumerate(windows.recording_ids):
        served = windows.probabilities[windows.recording == at]
        np.testing.assert_allclose(shown.targets[name][: len(served)], served, atol=1e-5)


def test_soft_labels__speak_of_every_window_of_the_grid(development: ShardSet, shown: SoftLabels) -> None:
    assert set(shown.targets) == set(development.table["recording_id"])
    for index, name in enumerate(development.table["recording_id"]):
        n_grid = len(grid_starts(len(development.waveform(index)), development.spec))
        assert shown.targets[name].shape == (n_grid, 4)


def test_soft_labels__prefer_what_was_said_out_of_fold(
    tiny_data: TinyData, tiny_ensemble: TinyEnsemble, development: ShardSet, shown: SoftLabels
) -> None:
    training = ShardSet(tiny_data.development, tiny_data.config.features, "train")
    recording = np.repeat(np.arange(len(training)), [training.n_windows(index) for index in range(len(training))])
    sure = np.zeros((len(recording), 4), np.float32)
    sure[:, 2] = 1.0
    out_of_fold = WindowProbabilities(list(training.table["recording_id"]), recording, sure)
    heads = [dataclasses.replace(head, out_of_fold=out_of_fold) for head in tiny_ensemble.heads]
    made = soft_labels(heads, tiny_ensemble.ensemble, development, tiny_data.config, tiny_data.classes)
    for name, part in zip(development.table["recording_id"], development.table["split"], strict=True):
        if part == "train":
            np.testing.assert_allclose(made.targets[name][:, 2], 1.0, atol=1e-6)
            assert len(made.targets[name]) == len(shown.targets[name])
        else:
            np.testing.assert_array_equal(made.targets[name], shown.targets[name])


def test_soft_labels__ask_the_heads_of_the_fusion_alone(
    tiny_data: TinyData, tiny_ensemble: TinyEnsemble, development: ShardSet
) -> None:
    best = dataclasses.replace(
        tiny_ensemble.ensemble, kind="weighted_average", heads=["raw_cnn"], parameters={"weights": [1.0]}
    )
    few = development.subset(np.arange(len(development)) < 2)
    made = soft_labels(tiny_ensemble.heads, best, few, tiny_data.config, tiny_data.classes)
    alone = [head for head in tiny_ensemble.heads if head.name == "raw_cnn"]
    again = soft_labels(alone, best, few, tiny_data.config, tiny_data.classes)
    for name in made.targets:
        np.testing.assert_array_equal(made.targets[name], again.targets[name])


def test_training_recordings__without_soft_labels_are_the_training_part(
    tiny_data: TinyData, pooled: list[Path]
) -> None:
    training = training_recordings(pooled, tiny_data.config.features, tiny_data.classes, None)
    assert set(training.table["split"]) == {"train"}


def test_training_recordings__the_pool_comes_with_guesses_in_place_of_labels(
    tiny_data: TinyData, pooled: list[Path]
) -> None:
    table = ShardSet(pooled, tiny_data.config.features).table
    first, second = table.loc[table["split"] == POOL, "recording_id"]
    soft = SoftLabels({first: np.array([[0.1, 0.2, 0.6, 0.1]], np.float32)})
    training = training_recordings(pooled, tiny_data.config.features, tiny_data.classes, soft).table
    named = training.set_index("recording_id")["primary_label"]
    assert named[first] == tiny_data.classes.codes[2]
    # Of the other the teacher was not sure enough.
    assert second not in named.index
    assert set(training["split"]) == {"train", POOL}
    assert (training.loc[training["split"] == "train", "primary_label"] != "").all()


def test_fit_head__is_known_to_have_heard_the_pool(tiny_data: TinyData, pooled: list[Path], tmp_path: Path) -> None:
    shards = ShardSet(pooled, tiny_data.config.features)
    pool = shards.subset((shards.table["split"] == POOL).to_numpy())
    one = np.full((1, 4), 0.25, np.float32)
    settings = {"epochs": 1, "batch_size": 4}
    head = tiny_data.config.heads["raw_cnn"].model_copy(update=settings)
    config = tiny_data.config.model_copy(update={"heads": {"raw_cnn": head}})
    for soft, folder in ((None, "without"), (SoftLabels(dict.fromkeys(pool.table["recording_id"], one)), "with")):
        fit_head("raw_cnn", config, pooled, tiny_data.classes, tmp_path / folder, soft=soft)
    without, distilled = (TrainedHead.load(tmp_path / folder) for folder in ("without", "with"))
    check_not_leaked(without.trained_on, pool.table.drop(columns="group_id"), "without")
    with pytest.raises(SplitError, match="leaked"):
        check_not_leaked(distilled.trained_on, pool.table.drop(columns="group_id"), "with")


def test_labels_of__are_those_of_labelled_recordings(tiny_data: TinyData, pooled: list[Path]) -> None:
    table = ShardSet(pooled, tiny_data.config.features).table
    labels = labels_of(table, tiny_data.classes)
    assert set(labels) == set(table.loc[table["split"] != POOL, "recording_id"])
    assert all(one.sum() == 1 for one in labels.values())
