"""pseudo_label: targets for those who learn from the ensemble."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from silencio.config import RunConfig, resolve
from silencio.config.parts import part_of
from silencio.data.recordings import write_class_list, write_recordings
from silencio.data.shards import ShardSet, write_shard
from silencio.data.soft_labels import SoftLabels
from silencio.data.unlabelled_pool import POOL, without_labels
from silencio.steps.pseudo_label import label_step
from tests.conftest import TinyData, TinyEnsemble
from tests.tiny_reserve import TINY


@pytest.fixture(scope="module")
def arguments(
    tiny_data: TinyData, tiny_ensemble: TinyEnsemble, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the step is handed; of the training recordings the first two are in the pool."""
    folder = tmp_path_factory.mktemp("inputs")
    for head in tiny_ensemble.heads:
        head.save(folder / head.name)
    tiny_ensemble.ensemble.save(folder / "fusion")
    write_class_list(tiny_data.classes, folder / "classes")
    write_recordings(tiny_data.recordings.drop(columns="split"), folder / "usable")
    table = tiny_data.recordings[tiny_data.recordings["split"] != "test"].reset_index(drop=True)
    hidden = table.index.isin(table.index[table["split"] == "train"][:2])
    table = table.assign(split=table["split"].mask(hidden, POOL), group_id=table["recording_id"])
    write_shard(without_labels(table), tiny_data.config.features, folder / "shard")
    return {
        "heads": [str(folder / head.name) for head in tiny_ensemble.heads],
        "development": [str(folder / "shard")],
        "inputs": {name: str(folder / name) for name in ("fusion", "classes", "usable")},
    }


def _label(
    arguments: dict[str, Any], folder: Path, learner: str, *overrides: str
) -> tuple[dict[str, float], SoftLabels]:
    config = RunConfig.of_part(part_of(resolve(TINY, overrides=overrides), "pseudo_label"))
    figures = label_step(config, learner, **arguments, soft_path=str(folder / "soft"))
    return figures, SoftLabels.load(folder / "soft")


def _parts(arguments: dict[str, Any], data: TinyData) -> dict[str, set[str]]:
    table = ShardSet(map(Path, arguments["development"]), data.config.features).table
    return {str(part): set(rows["recording_id"]) for part, rows in table.groupby("split")}


def test_label__a_student_is_taught_training_recordings_and_pool(
    arguments: dict[str, Any], tiny_data: TinyData, tmp_path: Path
) -> None:
    figures, soft = _label(arguments, tmp_path, "student", "student.kind=raw_cnn")
    parts = _parts(arguments, tiny_data)
    assert set(soft.targets) == parts["train"] | parts[POOL]
    assert (figures["recordings"], figures["left_out_share"]) == (len(soft.targets), 0.0)


def test_label__temperature_and_share_of_the_labels_reach_the_targets(
    arguments: dict[str, Any], tiny_data: TinyData, tmp_path: Path
) -> None:
    student = "student.kind=raw_cnn"
    plain, mixed = (
        _label(arguments, tmp_path / name, "student", student, *more)[1]
        for name, more in (("a", ()), ("b", ("distillation.temperature=2.0", "distillation.label_share=0.5")))
    )
    table = ShardSet(map(Path, arguments["development"]), tiny_data.config.features).table
    soft = plain.softened(2.0).targets
    for name, part, code in zip(table["recording_id"], table["split"], table["primary_label"], strict=True):
        if part == "train":
            label = np.eye(4)[tiny_data.classes.index[code]]
            np.testing.assert_allclose(mixed.targets[name], 0.5 * soft[name] + 0.5 * label, atol=1e-6)
        elif part == POOL:
            np.testing.assert_allclose(mixed.targets[name], soft[name], atol=1e-6)


def test_label__heads_are_taught_the_pool_alone_as_pseudo_labels(
    arguments: dict[str, Any], tiny_data: TinyData, tmp_path: Path
) -> None:
    asked = ("self_training.pool=hidden", "self_training.min_probability=0.0", "self_training.power=2.0")
    figures, soft = _label(arguments, tmp_path, "heads", *asked)
    assert set(soft.targets) == _parts(arguments, tiny_data)[POOL]
    # The labels that were hidden say how good the guesses are.
    truth = tiny_data.recordings.set_index("recording_id")["primary_label"]
    right = [tiny_data.classes.codes[at] == truth[name] for name, at in soft.most_probable().items()]
    assert figures["hidden_labels_right_share"] == np.mean(right)


def test_label__nothing_sure_leaves_nothing_to_learn(arguments: dict[str, Any], tmp_path: Path) -> None:
    figures, soft = _label(
        arguments, tmp_path, "heads", "self_training.pool=hidden", "self_training.min_probability=0.999"
    )
    assert soft.targets == {}
    assert figures == {"recordings": 0, "windows": 0, "left_out_share": 1.0}
