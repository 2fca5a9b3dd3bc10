from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from silencio.config import StackingConfig, resolve
from silencio.data.shards import ShardSet
from silencio.errors import ConfigError, ModelError
from silencio.training.checkpoint import TrainedHead, WindowProbabilities
from silencio.training.ensemble import fit_ensemble
from silencio.training.fit import fit_head
from silencio.training.stack import check_apart, draw_folds

TABLE = pd.DataFrame(
    {
        "recording_id": [f"r{number:02d}" for number in range(20)],
        "primary_label": ["a"] * 9 + ["b"] * 6 + ["c"] * 4 + ["d"],
        "group_id": ["r00", "r00", *(f"r{number:02d}" for number in range(2, 20))],
    }
)


def test_folds__share_every_species_that_is_large_enough() -> None:
    fold = draw_folds(TABLE, 4, seed=0)
    for label in "abc":
        assert set(fold[TABLE["primary_label"] == label]) == {0, 1, 2, 3}
    assert np.ptp(np.bincount(fold)) <= 2


def test_folds__never_part_a_group() -> None:
    assert all(len(set(draw_folds(TABLE, 5, seed)[:2])) == 1 for seed in range(20))


def test_folds__do_not_depend_on_the_order_of_rows() -> None:
    shuffled = TABLE.sample(frac=1.0, random_state=1)
    assert list(draw_folds(shuffled, 3, 7)) == list(draw_folds(TABLE, 3, 7)[shuffled.index])
    assert list(draw_folds(TABLE, 3, 7)) != list(draw_folds(TABLE, 3, 8))


def test_folds__more_than_groups_are_refused() -> None:
    with pytest.raises(ModelError, match=r"stacking\.n_folds=5: there are only 2 groups"):
        draw_folds(TABLE[:3], 5, seed=0)


def test_one_fold__is_refused() -> None:
    with pytest.raises(ConfigError, match=r"stacking\.n_folds: one fold leaves nothing to train on"):
        resolve("{heads: {raw_cnn: {}}, supervisor: {}, stacking: {n_folds: 1}}")


def test_fold_that_shares_a_sound_with_the_rest__is_refused() -> None:
    one, two = (pd.DataFrame({"recording_id": [name], "waveform_sha256": ["same"]}) for name in "ab")
    with pytest.raises(ModelError, match="shares a recording"):
        check_apart(one, two)


def test_joined__is_sorted_by_recording_and_keeps_the_order_of_windows() -> None:
    b = WindowProbabilities(["b"], np.array([0, 0]), np.array([[1.0], [2.0]], np.float32))
    a_c = WindowProbabilities(["a", "c"], np.array([0, 1, 1]), np.array([[3.0], [4.0], [5.0]], np.float32))
    concatenated = WindowProbabilities.concatenated([b, a_c])
    assert concatenated.recording_ids == ["a", "b", "c"]
    assert list(concatenated.recording) == [0, 1, 1, 2, 2]
    assert list(concatenated.probabilities[:, 0]) == [3.0, 1.0, 2.0, 4.0, 5.0]


def test_head__is_asked_about_every_training_recording_by_heads_that_did_not_hear_it(tiny_data, tmp_path: Path) -> None:
    head = tiny_data.config.heads["raw_cnn"]
    heads = {"one": head, "two": head.model_copy(update={"widths": (4,)})}
    stacking = StackingConfig(n_folds=2, keep_all_heads=True)
    config = tiny_data.config.model_copy(update={"heads": heads, "stacking": stacking})
    trained = []
    for name in heads:
        fit_head(name, config, tiny_data.development, tiny_data.classes, tmp_path / name)
        trained.append(TrainedHead.load(tmp_path / name))
    training = ShardSet(tiny_data.development, config.features, "train")
    shown = trained[0].out_of_fold
    assert shown is not None
    assert shown.recording_ids == list(training.table["recording_id"])
    assert list(np.bincount(shown.recording)) == [training.n_windows(index) for index in range(len(training))]
    fitted = fit_ensemble(trained, tiny_data.recordings, config, tiny_data.classes)
    # The supervisor learned from both, and speaks of validation.
    assert f"on {len(training) + len(trained[0].validation.recording_ids)} held-out recordings" in fitted.reason
    assert fitted.windows.recording_ids == trained[0].validation.recording_ids


def test_subset__hears_the_same_sound_under_new_numbers(tiny_data) -> None:
    whole = ShardSet(tiny_data.development, tiny_data.config.features)
    mask = np.arange(len(whole)) % 2 == 1
    part = whole.subset(mask)
    assert len(part) == mask.sum()
    assert list(part.table["recording_id"]) == list(whole.table["recording_id"][mask])
    assert np.array_equal(part.waveform(1), whole.waveform(3))
