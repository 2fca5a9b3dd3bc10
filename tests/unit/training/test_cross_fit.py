"""Cross-fitting: what evaluates a recording never saw it, at any stage; a leak that is planted is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from silencio.data.leaks import recording_fingerprints
from silencio.data.shards import ShardSet, write_shard
from silencio.errors import ConfigError, ModelError, SplitError
from silencio.steps import join_folds
from silencio.training.calibrate import DecisionRule, calibrate_ensemble
from silencio.training.checkpoint import TrainedHead, WindowProbabilities
from silencio.training.cross_fit import check_folds_unseen, out_of_fold, out_of_fold_scores
from silencio.training.ensemble import FittedEnsemble, fit_ensemble
from silencio.training.fit import divided, fit_head
from tests.unit.training.made_folds import N_FOLDS, CrossFitted, cross_fitted


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> CrossFitted:
    return cross_fitted(tmp_path_factory.mktemp("folds"))


def without_windows(made: CrossFitted, number: int) -> list[TrainedHead]:
    """The heads, of which those of a fold predict something else of it."""
    changed = []
    for head in made.heads:
        own = head.folds[number].validation
        other = np.full_like(own.probabilities, 0.01)
        other[:, 0] = 0.97
        fold = replace(head.folds[number], validation=WindowProbabilities(own.recording_ids, own.recording, other))
        folds = [fold if place == number else one for place, one in enumerate(head.folds)]
        changed.append(replace(head, folds=tuple(folds)))
    return changed


def shards(made: CrossFitted) -> ShardSet:
    return ShardSet(made.shards, made.config.features)


# What is trained on what


def test_heads__learn_from_everything_once_and_without_each_fold_once(made: CrossFitted) -> None:
    every = set(recording_fingerprints(shards(made).table))
    for head in made.heads:
        assert set(head.trained_on) == every
        assert [one.fold for one in head.folds] == list(range(N_FOLDS))
        for number, one in enumerate(head.folds):
            assert one.validation.recording_ids == made.fold(number)
            left_out = shards(made).table.query("fold == @number")
            assert set(one.trained_on) == every - set(recording_fingerprints(left_out))
        assert head.held_out.recording_ids == sorted(made.recordings["recording_id"])
        # Other weights: the whole head and each fold's have seen other recordings.
        weights = [np.concatenate([v.ravel() for v in one.state.values()]) for one in (head, *head.folds)]
        assert len({one.tobytes() for one in weights}) == 1 + N_FOLDS


def test_everything__is_saved_and_read_as_it_was(made: CrossFitted, tmp_path: Path) -> None:
    made.ensemble.save(tmp_path / "ensemble")
    again = FittedEnsemble.load(tmp_path / "ensemble")
    made.decision_rule.save(tmp_path / "rule.json")
    rule = DecisionRule.load(tmp_path / "rule.json")
    assert rule == made.decision_rule
    first, second = (out_of_fold_scores(*one) for one in ((made.ensemble, made.decision_rule), (again, rule)))
    assert np.array_equal(first.scores, second.scores) and np.array_equal(first.named, second.named)
    assert again.as_exported.recording_ids == made.fold(0)


# A leak in each stage


def test_leak__of_a_sound_in_two_folds_ends_the_training(made: CrossFitted, tmp_path: Path) -> None:
    table = made.recordings.copy()
    first, second = made.fold(0)[0], made.fold(1)[0]
    table.loc[table["recording_id"] == second, ["decoded_sha256", "group_id"]] = [
        table.loc[table["recording_id"] == first, "decoded_sha256"].item(),
        second,
    ]
    write_shard(table, made.config.features, tmp_path / "shard")
    with pytest.raises(ModelError, match="a fold shares a recording with the rest"):
        fit_head("raw_cnn", made.config, [tmp_path / "shard"], made.classes, tmp_path / "head", fold=0)


def test_leak__of_a_head_that_was_trained_on_its_fold_ends_the_fit_and_the_evaluation(made: CrossFitted) -> None:
    head = made.heads[0]
    leaked = replace(head.folds[1], trained_on=head.trained_on)
    torn = replace(head, folds=(head.folds[0], leaked, *head.folds[2:]))
    with pytest.raises(SplitError, match=f"{head.name} without fold 2 was trained on"):
        check_folds_unseen([torn], shards(made))
    with pytest.raises(ModelError, match="on which it was also evaluated"):
        fit_ensemble([torn, *made.heads[1:]], made.recordings, made.config, made.classes)


def test_leak__of_a_recording_that_no_fold_predicts_or_two_do(made: CrossFitted) -> None:
    head = made.heads[0]
    with pytest.raises(ModelError, match="has predictions of"):
        check_folds_unseen([replace(head, folds=head.folds[1:])], shards(made))
    with pytest.raises(ModelError, match="has predictions of"):
        check_folds_unseen([replace(head, folds=(*head.folds, head.folds[0]))], shards(made))


@pytest.mark.parametrize("number", range(N_FOLDS))
def test_fold__has_no_part_in_what_evaluates_it(made: CrossFitted, number: int) -> None:
    """Supervisor, calibration, thresholds and confusable pairs: whatever its heads say of it, they stay as they are."""
    ensemble = fit_ensemble(without_windows(made, number), made.recordings, made.config, made.classes)
    rule = calibrate_ensemble(ensemble, made.recordings, made.config, made.classes)
    for place in range(N_FOLDS):
        same = ensemble.folds[place].parameters == made.ensemble.folds[place].parameters
        same = same and rule.folds[place].model_dump() == made.decision_rule.folds[place].model_dump()
        assert same == (place == number)
    # What ships learns from it all the same.
    assert rule.calibration != made.decision_rule.calibration
    own = np.isin(out_of_fold_scores(ensemble, rule).recording_ids, made.fold(number))
    before, now = (out_of_fold_scores(*one).scores for one in ((made.ensemble, made.decision_rule), (ensemble, rule)))
    assert not np.array_equal(before[own], now[own])


# Predictions


def test_scores__are_of_every_recording_by_its_fold(made: CrossFitted) -> None:
    found = out_of_fold_scores(made.ensemble, made.decision_rule)
    assert found.recording_ids == sorted(made.recordings["recording_id"])
    fold_of = dict(zip(made.assignment["recording_id"], made.assignment["fold"], strict=True))
    assert found.fold.tolist() == [fold_of[name] for name in found.recording_ids]
    number, name = 1, made.fold(1)[0]
    ensemble, rule = made.ensemble.folds[number], made.decision_rule.folds[number]
    shown = np.stack([head.folds[number].validation.of([name]).probabilities for head in made.heads])
    expected = rule.calibration(ensemble.module().combine(shown)).mean(axis=0)
    assert found.scores[found.recording_ids.index(name)] == pytest.approx(expected, abs=1e-6)
    windows = out_of_fold(made.ensemble, made.decision_rule).of([name])
    assert windows.probabilities.mean(axis=0) == pytest.approx(expected, abs=1e-6)


def test_divided__without_a_fold_is_all_and_the_first_fold_is_predicted(made: CrossFitted) -> None:
    every, predicted = divided(shards(made), None)
    assert len(every) == len(made.recordings)
    assert sorted(predicted.table["recording_id"]) == made.fold(0)


# Joining


def test_join__refuses_a_missing_fold_and_one_of_another_head(made: CrossFitted, tmp_path: Path) -> None:
    folder, other = made.folder / "raw_cnn", made.folder / "other_cnn"

    def join(*folds: Path) -> None:
        join_folds.run(join_folds.Inputs(folder / "whole", folds), join_folds.Outputs(tmp_path / "joined"))

    with pytest.raises(ModelError, match=r"without folds \[0, 2\]: one is missing"):
        join(folder / "without-0", folder / "without-2")
    with pytest.raises(ModelError, match="have different name"):
        join(folder / "without-0", other / "without-1", folder / "without-2")
    # In any order, and the last place again.
    join(folder / "without-2", folder / "without-1", folder / "without-0", folder / "without-0")
    assert [one.fold for one in TrainedHead.load(tmp_path / "joined").folds] == [0, 1, 2]


@pytest.mark.parametrize(
    ("override", "named"),
    [("student={}", "student"), ("self_training={}", "self_training"), ("stacking.n_folds=3", "stacking.n_folds")],
)
def test_cross_fit__beside_what_it_does_not_go_with_is_refused(override: str, named: str) -> None:
    from silencio.config import preset_text, resolve

    with pytest.raises(ConfigError, match=f"cross_fit does not go with {named} yet"):
        resolve(preset_text("demo"), overrides=["split.scheme=cross_fit", override])


def test_table__of_recordings_has_folds(made: CrossFitted) -> None:
    assert isinstance(made.assignment["fold"], pd.Series)
    assert set(shards(made).table["fold"]) == set(range(N_FOLDS))
