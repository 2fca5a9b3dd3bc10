"""pseudo_label: targets for those who learn from the ensemble."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from silencio.config import RunConfig, resolve
from silencio.config.parts import part_of
from silencio.data.recordings import write_class_list, write_recordings
from silencio.data.shards import ShardSet, write_shard
from silencio.data.soft_labels import SoftLabels
from silencio.data.unlabelled_pool import POOL, without_labels
from silencio.steps.pseudo_label import Inputs, Outputs, run
from tests.conftest import TinyData, TinyEnsemble
from tests.tiny_reserve import TINY


@pytest.fixture(scope="module")
def inputs(tiny_data: TinyData, tiny_ensemble: TinyEnsemble, tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """What the step is handed; of the training recordings the first two are in the pool."""
    folder = tmp_path_factory.mktemp("inputs")
    for head in tiny_ensemble.heads:
        head.save(folder / head.name)
    tiny_ensemble.ensemble.save(folder / "ensemble")
    write_class_list(tiny_data.classes, folder / "classes")
    write_recordings(tiny_data.recordings.drop(columns="split"), folder / "usable")
    table = tiny_data.recordings[tiny_data.recordings["split"] != "test"].reset_index(drop=True)
    hidden = table.index.isin(table.index[table["split"] == "train"][:2])
    table = table.assign(split=table["split"].mask(hidden, POOL), group_id=table["recording_id"])
    write_shard(without_labels(table), tiny_data.config.features, folder / "shard")
    return Inputs(
        config=tiny_data.config,
        learner="student",
        classes=folder / "classes",
        usable=folder / "usable",
        heads=[folder / head.name for head in tiny_ensemble.heads],
        ensemble=folder / "ensemble",
        development=[folder / "shard"],
    )


def _label(inputs: Inputs, folder: Path, learner: str, *overrides: str) -> tuple[dict[str, float], SoftLabels]:
    config = RunConfig.of_part(part_of(resolve(TINY, overrides=overrides), "pseudo_label"))
    metrics = run(replace(inputs, config=config, learner=learner), Outputs(folder / "soft"))
    return metrics, SoftLabels.load(folder / "soft")


def _parts(inputs: Inputs, data: TinyData) -> dict[str, set[str]]:
    table = ShardSet(inputs.development, data.config.features).table
    return {str(part): set(rows["recording_id"]) for part, rows in table.groupby("split")}


def test_pseudo_label__a_student_learns_training_recordings_and_pool(
    inputs: Inputs, tiny_data: TinyData, tmp_path: Path
) -> None:
    metrics, soft = _label(inputs, tmp_path, "student", "student.kind=raw_cnn")
    parts = _parts(inputs, tiny_data)
    assert set(soft.targets) == parts["train"] | parts[POOL]
    assert (metrics["recordings"], metrics["left_out_share"]) == (len(soft.targets), 0.0)


def test_pseudo_label__temperature_and_share_of_the_labels_reach_the_targets(
    inputs: Inputs, tiny_data: TinyData, tmp_path: Path
) -> None:
    student = "student.kind=raw_cnn"
    plain, mixed = (
        _label(inputs, tmp_path / name, "student", student, *more)[1]
        for name, more in (("a", ()), ("b", ("distillation.temperature=2.0", "distillation.label_share=0.5")))
    )
    table = ShardSet(inputs.development, tiny_data.config.features).table
    soft = plain.softened(2.0).targets
    for name, part, code in zip(table["recording_id"], table["split"], table["primary_label"], strict=True):
        if part == "train":
            label = np.eye(4)[tiny_data.classes.index[code]]
            np.testing.assert_allclose(mixed.targets[name], 0.5 * soft[name] + 0.5 * label, atol=1e-6)
        elif part == POOL:
            np.testing.assert_allclose(mixed.targets[name], soft[name], atol=1e-6)


def test_pseudo_label__heads_learn_the_pool_alone_as_pseudo_labels(
    inputs: Inputs, tiny_data: TinyData, tmp_path: Path
) -> None:
    overrides = ("self_training.pool=hidden", "self_training.min_probability=0.0", "self_training.power=2.0")
    metrics, soft = _label(inputs, tmp_path, "heads", *overrides)
    assert set(soft.targets) == _parts(inputs, tiny_data)[POOL]
    # The labels that were hidden say how good the guesses are.
    truth = tiny_data.recordings.set_index("recording_id")["primary_label"]
    right = [tiny_data.classes.codes[at] == truth[name] for name, at in soft.most_probable().items()]
    assert metrics["hidden_labels_right_share"] == np.mean(right)


def test_pseudo_label__nothing_sure_leaves_nothing_to_learn(inputs: Inputs, tmp_path: Path) -> None:
    metrics, soft = _label(
        inputs, tmp_path, "heads", "self_training.pool=hidden", "self_training.min_probability=0.999"
    )
    assert soft.targets == {}
    assert metrics == {"recordings": 0, "windows": 0, "left_out_share": 1.0}
