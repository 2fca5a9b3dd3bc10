"""References that a model has to beat."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from silencio.data.birdclef import Source
from silencio.data.shards import ShardSet, targets
from silencio.evaluation.metrics import compute_metrics
from silencio.evaluation.references import majority_scores, mean_log_mel_scores
from silencio.features import FeatureSpec
from silencio.taxonomy import ClassList, Species


@pytest.fixture(scope="module")
def training(shard_folders: dict[str, list[Path]], spec: FeatureSpec) -> ShardSet:
    return ShardSet(shard_folders["development"], spec, "train")


@pytest.fixture(scope="module")
def test_set(shard_folders: dict[str, list[Path]], spec: FeatureSpec) -> ShardSet:
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
    training: ShardSet, test_set: ShardSet, source: Source
) -> None:
    primary = list(test_set.table["primary_label"])
    scores = majority_scores(training, len(test_set), source.classes)
    metrics = compute_metrics(scores, targets(test_set.table, source.classes.index), primary, source.classes)
    winner = source.classes.codes[int(scores[0].argmax())]
    assert metrics.top1 == primary.count(winner) / len(primary)


def test_mean_log_mel_scores__are_probabilities_in_the_order_of_the_classes(
    training: ShardSet, test_set: ShardSet, source: Source
) -> None:
    scores = mean_log_mel_scores(training, test_set, source.classes)
    assert scores.shape == (len(test_set), 5)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0)
    metrics = compute_metrics(
        scores, targets(test_set.table, source.classes.index), test_set.table["primary_label"], source.classes
    )
    # Five voices that even a mean spectrum tells apart, most of the time.
    assert metrics.top1 >= 0.6


def test_mean_log_mel_scores__know_what_they_were_trained_on(training: ShardSet, source: Source) -> None:
    scores = mean_log_mel_scores(training, training, source.classes)
    primary = training.table["primary_label"]
    assert compute_metrics(scores, targets(training.table, source.classes.index), primary, source.classes).top1 == 1.0


def test_mean_log_mel_scores__a_species_without_training_gets_nothing(
    training: ShardSet, test_set: ShardSet, source: Source
) -> None:
    first = Species(code="000", scientific_name="z", common_name="z", class_name="Aves")
    with_stranger = mean_log_mel_scores(training, test_set, ClassList.of([first, *source.classes]))
    np.testing.assert_array_equal(with_stranger[:, 0], 0.0)
    np.testing.assert_allclose(with_stranger[:, 1:], mean_log_mel_scores(training, test_set, source.classes))


def test_mean_log_mel_scores__repeat_and_do_not_warn(training: ShardSet, test_set: ShardSet, source: Source) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = mean_log_mel_scores(training, test_set, source.classes)
    np.testing.assert_array_equal(first, mean_log_mel_scores(training, test_set, source.classes))
