"""References that a model has to beat."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from silencio.data.birdclef import Source
from silencio.data.shards import ShardSet, targets
from silencio.evaluation.metrics import judge
from silencio.evaluation.references import majority_scores, mean_log_mel_scores
from silencio.features import FeatureSpec
from silencio.taxonomy import ClassList, Species


@pytest.fixture(scope="module")
def training(shard_folders: dict[str, list[Path]], spec: FeatureSpec) -> ShardSet:
    return ShardSet(shard_folders["development"], spec, "train")


@pytest.fixture(scope="module")
def judged(shard_folders: dict[str, list[Path]], spec: FeatureSpec) -> ShardSet:
    return ShardSet(shard_folders["test"], spec, "test")


def test_majority_scores__are_the_frequencies_in_training(training: ShardSet, source: Source) -> None:
    scores = majority_scores(training, 3, source.classes)
    counts = [list(training.table["primary_label"]).count(code) for code in source.classes.codes]
    np.testing.assert_allclose(scores, [np.array(counts) / sum(counts)] * 3)


def test_majority_scores__a_species_without_training_gets_nothing(training: ShardSet, source: Source) -> None:
    stranger = Species(code="zzz", scientific_name="z", common_name="z", class_name="Aves")
    scores = majority_scores(training, 2, ClassList.of([*source.classes, stranger]))
    np.testing.assert_array_equal(scores[:, -1], 0.0)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0)


def test_majority_scores__are_right_as_often_as_the_most_frequent_species(
    training: ShardSet, judged: ShardSet, source: Source
) -> None:
    primary = list(judged.table["primary_label"])
    scores = majority_scores(training, len(judged), source.classes)
    figures = judge(scores, targets(judged.table, source.classes.index), primary, source.classes)
    winner = source.classes.codes[int(scores[0].argmax())]
    assert figures.top1 == primary.count(winner) / len(primary)


def test_mean_log_mel_scores__are_probabilities_in_the_order_of_the_classes(
    training: ShardSet, judged: ShardSet, source: Source
) -> None:
    scores = mean_log_mel_scores(training, judged, source.classes)
    assert scores.shape == (len(judged), 5)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0)
    figures = judge(scores, targets(judged.table, source.classes.index), judged.table["primary_label"], source.classes)
    # Five voices that even a mean spectrum tells apart, most of the time.
    assert figures.top1 >= 0.6


def test_mean_log_mel_scores__know_what_they_were_trained_on(training: ShardSet, source: Source) -> None:
    scores = mean_log_mel_scores(training, training, source.classes)
    primary = training.table["primary_label"]
    assert judge(scores, targets(training.table, source.classes.index), primary, source.classes).top1 == 1.0


def test_mean_log_mel_scores__a_species_without_training_gets_nothing(
    training: ShardSet, judged: ShardSet, source: Source
) -> None:
    first = Species(code="000", scientific_name="z", common_name="z", class_name="Aves")
    with_stranger = mean_log_mel_scores(training, judged, ClassList.of([first, *source.classes]))
    np.testing.assert_array_equal(with_stranger[:, 0], 0.0)
    np.testing.assert_allclose(with_stranger[:, 1:], mean_log_mel_scores(training, judged, source.classes))


def test_mean_log_mel_scores__repeat_and_do_not_warn(training: ShardSet, judged: ShardSet, source: Source) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = mean_log_mel_scores(training, judged, source.classes)
    np.testing.assert_array_equal(first, mean_log_mel_scores(training, judged, source.classes))
