"""The verdict's figures, for scores of which they are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from silencio.data.shards import ShardSet
from silencio.evaluation.champion import ChampionScores
from silencio.evaluation.held_out import EvaluationData, Predictions, evaluate_test_set, name_test_set
from silencio.evaluation.results import ENSEMBLE, Evaluation
from silencio.evaluation.slices import SliceConfig
from tests.conftest import TinyData

# Any twenty recordings will do: what is evaluated here are scores that were made up.
N, N_CLASSES = 20, 4


@pytest.fixture(scope="module")
def recordings(tiny_data: TinyData) -> ShardSet:
    return ShardSet([*tiny_data.development, *tiny_data.test], tiny_data.config.features)


@pytest.fixture(scope="module")
def truth(tiny_data: TinyData, recordings: ShardSet) -> NDArray[np.integer]:
    return np.array([tiny_data.classes.index[code] for code in recordings.table["primary_label"]])


@pytest.fixture(scope="module")
def good(truth: NDArray[np.integer]) -> NDArray[np.float64]:
    """Right but for the first recording of each species, and as sure as it should be."""
    first = np.unique(truth, return_index=True)[1]
    shown = truth.copy()
    shown[first] = (truth[first] + 1) % N_CLASSES
    return 0.1 / 1.5 + 0.7 * np.eye(N_CLASSES)[shown] + 1e-3 * np.random.default_rng(0).random((N, N_CLASSES))


Evaluate = Any


@pytest.fixture(scope="module")
def evaluated(tiny_data: TinyData, recordings: ShardSet, good: NDArray[np.float64]) -> Evaluate:
    def evaluate(champion: ChampionScores | None = None, **changed: Any) -> Evaluation:
        uniform = np.full((N, N_CLASSES), 0.25)
        given = {
            "scores": {ENSEMBLE: good, "raw_cnn": 0.5 * good, "majority class": uniform},
            "uncalibrated": good,
            "named": good > 0.5,
            "champion": champion,
        }
        slices = changed.pop("slices", SliceConfig())
        data = EvaluationData(recordings, changed.pop("test_set", recordings), tiny_data.classes)
        return evaluate_test_set(Predictions(**{**given, **changed}), data, [], slices, 200)

    return evaluate


@pytest.fixture(scope="module")
def alone(evaluated: Evaluate) -> Evaluation:
    """Without a champion."""
    return evaluated()


def _champion(scores: NDArray[np.floating], fair: NDArray[np.bool_] | None = None) -> ChampionScores:
    return ChampionScores("v1", scores, np.ones(N, bool) if fair is None else fair)


def test_rows__each_with_its_intervals(alone: Evaluation) -> None:
    assert list(alone.rows) == [ENSEMBLE, "raw_cnn", "majority class"]
    for metrics in alone.rows.values():
        assert set(metrics.intervals) == {"macro_map", "top1"}
        for name, (low, high) in metrics.intervals.items():
            assert low <= high, name
    ensemble = alone.rows[ENSEMBLE]
    assert ensemble.top1 == 0.8
    assert ensemble.intervals["top1"][0] < 0.8 < ensemble.intervals["top1"][1]


def test_rows__the_thresholds_are_the_ensembles(evaluated: Evaluate, good: NDArray[np.float64]) -> None:
    # Half as high, and so nothing passes one half; the thresholds were set for the ensemble.
    evaluation = evaluated(scores={ENSEMBLE: 0.5 * good, "raw_cnn": 0.5 * good})
    assert evaluation.rows[ENSEMBLE].micro_f1 == pytest.approx(0.8)
    assert evaluation.rows["raw_cnn"].micro_f1 == 0.0


def test_rows__a_student_has_one_and_is_what_the_rest_is_of(evaluated: Evaluate, good: NDArray[np.float64]) -> None:
    uniform = np.full((N, N_CLASSES), 0.25)
    evaluation = evaluated(scores={"student": good, "majority class": uniform}, bundle="student")
    assert list(evaluation.rows) == ["student", "majority class"]
    assert evaluation.metrics == evaluation.rows["student"]
    assert {one.other for one in evaluation.comparisons} == {"majority class"}


def test_test_part__is_the_recordings_with_their_labels(recordings: ShardSet, alone: Evaluation) -> None:
    table = recordings.table
    assert len(alone.test_set) == 12
    assert alone.test_set == name_test_set(table.sample(frac=1, random_state=0))
    relabelled = table.assign(primary_label=table["primary_label"].iloc[::-1].to_numpy())
    second = table.assign(secondary_labels=[["other"], *table["secondary_labels"][1:]])
    others = {name_test_set(one) for one in (table.iloc[1:], relabelled, second)}
    assert len(others | {alone.test_set}) == 4


def test_test_part__of_renamed_files_is_the_same(recordings: ShardSet) -> None:
    table = recordings.table.assign(sha256=[f"{number:064x}" for number in range(N)])
    renamed = table.assign(recording_id=[f"renamed-{number}.ogg" for number in range(N)])
    assert name_test_set(table) == name_test_set(renamed)
    # Bytes that nobody counted are told apart by their names.
    unknown = table.assign(sha256=[None, "", *table["sha256"][2:]])
    assert name_test_set(unknown) != name_test_set(unknown.assign(recording_id=renamed["recording_id"]))


def test_comparisons__the_ensemble_with_everything_else(alone: Evaluation) -> None:
    found = {(one.other, one.metric): one for one in alone.comparisons}
    assert list(found) == [(o, f) for o in ("raw_cnn", "majority class") for f in ("macro_map", "top1")]
    # Half of all probabilities is the same order.
    assert found["raw_cnn", "top1"].interval == (0.0, 0.0)
    assert found["majority class", "macro_map"].interval[0] > 0


def test_calibration__of_the_most_probable_species_before_and_after(
    evaluated: Evaluate, good: NDArray[np.float64]
) -> None:
    sure = good.copy()
    sure[np.arange(N), good.argmax(axis=1)] = 0.99
    facts = evaluated(uncalibrated=sure).calibration
    assert facts["error_after"] == pytest.approx(abs(good.max(axis=1).mean() - 0.8), abs=1e-6)
    assert facts["error_before"] == pytest.approx(0.19)
    assert facts["n_recordings"] == N
    for name in ("before", "after"):
        low, high = facts[f"error_{name}_interval"]
        assert 0.0 <= low <= facts[f"error_{name}"] <= high <= 1.0
    assert [one["recordings_share"] for one in facts["before"]] == [1.0]


def test_curve__marks_where_the_thresholds_stand(alone: Evaluation, evaluated: Evaluate) -> None:
    curve = alone.curve
    assert (curve["named_precision"], curve["named_recall"]) == (0.8, 0.8)
    assert len(curve["recall"]) == len(curve["precision"])
    nothing = evaluated(named=np.zeros((N, N_CLASSES), bool)).curve
    assert (nothing["named_precision"], nothing["named_recall"]) == (0.0, 0.0)


def test_answers__one_a_recording(alone: Evaluation, recordings: ShardSet, good: NDArray[np.float64]) -> None:
    answers = alone.answers
    assert [one["recording_id"] for one in answers] == list(recordings.table["recording_id"])
    assert sum(one["predicted"] == one["primary_label"] for one in answers) == 16
    assert [one["probability"] for one in answers] == pytest.approx(list(good.max(axis=1)))


def test_slices__know_the_sound_of_their_recordings(evaluated: Evaluate) -> None:
    def noisy(below_db: float) -> int:
        slices = evaluated(slices=SliceConfig(low_snr_db=below_db)).slices
        return sum(one.n_recordings for one in slices if one.name == "low signal-to-noise ratio")

    # The ratio of the loudest frames to the quietest is never below 0 dB.
    assert noisy(0.0) == 0 < noisy(12.0) < noisy(99.0) == N


# The champion


def test_champion__there_is_none(alone: Evaluation) -> None:
    assert alone.champion == ""
    assert {one.change for one in alone.slices} == {None}
    assert "champion" not in {one.other for one in alone.comparisons}


def test_champion__is_compared_in_all_and_in_every_slice(evaluated: Evaluate, truth: NDArray[np.integer]) -> None:
    evaluation = evaluated(_champion(np.eye(N_CLASSES)[truth]))
    assert evaluation.champion == "v1"
    (of_top1,) = [one for one in evaluation.comparisons if (one.other, one.metric) == ("champion", "top1")]
    assert of_top1.difference == pytest.approx(-0.2)
    assert of_top1.interval[1] < 0
    assert of_top1.n_recordings == N
    # Its own figures, not differences alone.
    own = evaluation.champion_rows
    assert (own["champion"].top1, own[ENSEMBLE].top1, own["champion"].n_recordings) == (1.0, 0.8, N)
    assert own[ENSEMBLE].intervals == evaluation.metrics.intervals
    # One of five in every species.
    assert [one.change for one in evaluation.slices if "taxon" in one.name] == pytest.approx([-0.2] * 4)


def test_champion__is_compared_where_it_is_fair(evaluated: Evaluate, truth: NDArray[np.integer]) -> None:
    fair = truth != 0
    evaluation = evaluated(_champion(np.eye(N_CLASSES)[truth], fair))
    against = [one for one in evaluation.comparisons if one.other == "champion"]
    assert [one.n_recordings for one in against] == [15, 15]
    # The bundle beside it on the same recordings: one of five is wrong there as well.
    own = evaluation.champion_rows
    assert {name: row.n_recordings for name, row in own.items()} == {"champion": 15, ENSEMBLE: 15}
    assert own["champion"].top1 - own[ENSEMBLE].top1 == pytest.approx(0.2)
    assert "champion" not in evaluation.rows
    changes = [one.change for one in evaluation.slices if "taxon" in one.name]
    assert sorted(change is None for change in changes) == [False, False, False, True]
    # A difference is of the recordings that were compared, not of all in the slice.
    slices = {one.name: one for one in evaluated(_champion(np.eye(N_CLASSES)[truth], np.arange(N) < 15)).slices}
    assert sum(one.n_compared or 0 for name, one in slices.items() if "taxon" in name) == 15
    assert all(one.n_recordings == 5 for name, one in slices.items() if "taxon" in name)


def test_champion__that_knows_every_recording_is_not_compared(evaluated: Evaluate, truth: NDArray[np.integer]) -> None:
    evaluation = evaluated(_champion(np.eye(N_CLASSES)[truth], np.zeros(N, bool)))
    assert "champion" not in {one.other for one in evaluation.comparisons}
    assert {one.change for one in evaluation.slices} == {None}
    assert (evaluation.champion, evaluation.champion_rows) == ("v1", {})


def test_champion__a_species_that_it_does_not_know_is_no_advantage_over_it(
    evaluated: Evaluate, recordings: ShardSet, good: NDArray[np.float64], truth: NDArray[np.integer]
) -> None:
    # Its recordings are not fair; but it is also heard in the background of others, which are.
    background = [["41970"] if place % 4 == 1 else [] for place in range(N)]
    with_second = ShardSet.__new__(ShardSet)
    with_second.__dict__ = {**recordings.__dict__, "table": recordings.table.assign(secondary_labels=background)}
    unknown = 1  # "41970" comes second in the order of codes
    ours = good.copy()
    ours[:, unknown] = 0.3 * (np.arange(N) % 4 == 1)
    theirs = ours.copy()
    theirs[:, unknown] = 0.0
    evaluation = evaluated(
        replace(_champion(theirs, truth != unknown), known=np.arange(N_CLASSES) != unknown),
        test_set=with_second,
        scores={ENSEMBLE: ours},
        named=ours > 0.5,
    )
    (of_map,) = [one for one in evaluation.comparisons if (one.other, one.metric) == ("champion", "macro_map")]
    assert of_map.difference == pytest.approx(0.0)


def test_evaluation__survives_its_file(evaluated: Evaluate, truth: NDArray[np.integer], tmp_path: Path) -> None:
    evaluation = replace(
        evaluated(_champion(np.eye(N_CLASSES)[truth], truth != 0)), soundscapes={"metrics": {"x": 0.5}}
    )
    evaluation.save(tmp_path / "evaluation.json")
    assert Evaluation.load(tmp_path / "evaluation.json") == evaluation


def test_species__worst_first(alone: Evaluation) -> None:
    table = pd.DataFrame(alone.species)
    assert len(table) == N_CLASSES
    assert table["average precision"].is_monotonic_increasing
