"""Soundscapes in rows: what was there, what the model predicted, and the metrics of both."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.audio import window_starts
from silencio.data.annotations import Annotation
from silencio.data.soundscapes import AnnotatedSoundscape
from silencio.errors import DataError, ModelError
from silencio.evaluation.soundscape_metrics import Found, SoundscapeMetrics, evaluate_soundscapes
from silencio.evaluation.soundscapes import SoundscapeScores, row_scores, score_soundscapes, timelines
from silencio.features import FeatureSpec
from silencio.taxonomy import ClassList, Species

SPEC = FeatureSpec(sample_rate_hz=8000, n_fft=512, hop_length=256, n_mels=16, f_max_hz=4000.0)
CLASSES = ClassList.of(
    Species(code=code, scientific_name="", common_name="", class_name="Aves") for code in ("a", "b", "c", "d")
)
A, B = Annotation("a", 0.0, 4.0, snr_db=15.0), Annotation("b", 11.0, 18.0, snr_db=-3.0)


def soundscape(*annotations: Annotation, name: str = "S01", seconds: float = 20.0, real: bool = False) -> Any:
    return AnnotatedSoundscape(
        name=name,
        site="S",
        start=None,
        sample_rate_hz=SPEC.sample_rate_hz,
        duration_s=seconds,
        annotations=annotations,
        background="pink",
        has_real_background=real,
        waveform=partial(np.zeros, round(seconds * SPEC.sample_rate_hz), np.int16),
    )


def predicts(*rows: list[float]) -> Any:
    """A model that answers one recording after another."""
    answers = iter(rows)

    def model(waveform: NDArray[np.int16]) -> NDArray[np.float32]:
        n_windows = max(1, math.ceil(len(waveform) / SPEC.window_samples))
        return np.array([next(answers) for _ in range(n_windows)], np.float32)

    return model


NOTHING = [0.01, 0.02, 0.03, 0.04]


def score(*rows: list[float], annotations: tuple[Annotation, ...] = (A, B), real: bool = False) -> SoundscapeScores:
    return score_soundscapes(predicts(*rows), [soundscape(*annotations, real=real)], SPEC, CLASSES)


def evaluated(scores: SoundscapeScores, threshold: float | None = 0.5) -> SoundscapeMetrics:
    return evaluate_soundscapes(scores, None if threshold is None else np.full(4, threshold), n_resamples=100)


def by_name(found: tuple[Found, ...]) -> dict[str, Found]:
    return {one.name: one for one in found}


# Rows


def test_score__a_row_knows_its_species_levels_and_times() -> None:
    scores = score(NOTHING, NOTHING, NOTHING, NOTHING)
    rows = scores.rows
    assert list(rows["end_s"]) == [5.0, 10.0, 15.0, 20.0]
    assert list(rows["n_species"]) == [1, 0, 1, 1]
    assert list(rows["has_animal"]) == [True, False, True, True]
    np.testing.assert_array_equal(scores.targets.argmax(axis=1)[[0, 2, 3]], [0, 1, 1])
    np.testing.assert_array_equal(rows["snr_db"], [15.0, np.nan, -3.0, -3.0])
    assert scores.snr_db[2, 1] == -3.0
    assert np.isnan(scores.snr_db[2, 0])


def test_score__the_loudest_call_of_a_species_gives_its_level() -> None:
    calls = (replace(A, snr_db=2.0), replace(A, begin_s=1.0), replace(A, begin_s=2.0, snr_db=None))
    assert score(*4 * [NOTHING], annotations=calls).snr_db[0, 0] == 15.0


def test_score__an_animal_outside_the_list_is_no_target_but_an_animal() -> None:
    scores = score(*4 * [NOTHING], annotations=(Annotation("elephant", 6.0, 9.0), Annotation("a", 14.9, 15.1)))
    assert list(scores.rows["has_animal"]) == [False, True, True, True]
    assert list(scores.rows["n_species"]) == [0, 0, 1, 1]


def test_score__a_last_row_without_a_whole_window() -> None:
    scores = score_soundscapes(predicts(*3 * [NOTHING]), [soundscape(A, seconds=12.0)], SPEC, CLASSES)
    assert list(scores.rows["end_s"]) == [5.0, 10.0, 12.0]
    assert evaluated(scores).hours == pytest.approx(12 / 3600)


def test_score__one_soundscape_at_a_time() -> None:
    scores = score_soundscapes(
        predicts(*8 * [NOTHING]), iter([soundscape(A), soundscape(B, name="S02")]), SPEC, CLASSES
    )
    assert list(scores.rows["soundscape"]) == 4 * ["S01"] + 4 * ["S02"]
    assert len(scores.soundscapes) == 2


def test_score__what_does_not_fit_is_said() -> None:
    with pytest.raises(DataError, match="no soundscapes"):
        score_soundscapes(predicts(), [], SPEC, CLASSES)
    with pytest.raises(DataError, match="S01 has 16000 Hz, the spec 8000 Hz"):
        score_soundscapes(predicts(), [replace(soundscape(), sample_rate_hz=16000)], SPEC, CLASSES)
    with pytest.raises(ModelError, match=r"soundscape S01 with shape \(4, 3\), its windows need \(4, 4\)"):
        score(*4 * [[0.1, 0.2, 0.3]])
    with pytest.raises(ModelError, match="not numbers"):
        score(NOTHING, NOTHING, NOTHING, [0.1, 0.2, 0.3, math.nan])


# Windows to rows


def starts(duration_s: float, spec: FeatureSpec = SPEC) -> list[int]:
    return window_starts(round(duration_s * spec.sample_rate_hz), spec)


def windows(n: int) -> NDArray[np.float32]:
    """Window i says i."""
    return np.arange(n, dtype=np.float32)[:, None]


def test_row_scores__without_overlap_a_row_is_its_window() -> None:
    np.testing.assert_array_equal(row_scores(windows(4), 4, starts(20.0), SPEC), windows(4))


@pytest.mark.parametrize(
    ("hop_s", "expected"),
    [
        (2.5, [0.5, 2.0, 3.5]),  # windows at 0, 2.5, …, 10: one half in the row on either side
        (2.0, [0.5, 2.5, 4.5]),  # row 5 to 10: windows at 4 and 6, and not at 2 or 8
        (4.0, [0.0, 1.0, 2.5]),
    ],
)
def test_row_scores__mean_of_the_windows_that_lie_at_least_half_in_the_row(hop_s: float, expected: list[float]) -> None:
    spec = SPEC.model_copy(update={"hop_s": hop_s})
    n_windows = 1 + math.ceil(10 / hop_s)  # of 15 s
    np.testing.assert_allclose(row_scores(windows(n_windows), 3, starts(15.0, spec), spec)[:, 0], expected)


def test_row_scores__a_last_row_that_no_window_fits_takes_the_nearest() -> None:
    spec = SPEC.model_copy(update={"hop_s": 0.5})
    # 10.1 s: windows at 0 to 5.5, the third row begins at 10.
    np.testing.assert_allclose(row_scores(windows(12), 3, starts(10.1, spec), spec)[2], [11.0])


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (
            10.1,
            [0.0, 1.5, 2.0],
        ),  # windows at 0, 5 and 5.1: the last is nearest to a row of 0.1 s, and half in the second
        (12.4, [0.0, 1.5, 2.0]),
        (12.6, [0.0, 1.0, 2.0]),  # the window at 7.6 is less than half in the second row
    ],
)
def test_row_scores__a_window_that_was_moved_back_counts_where_it_lies(
    duration_s: float, expected: list[float]
) -> None:
    spec = SPEC.model_copy(update={"last_window": "moved_back"})
    np.testing.assert_allclose(row_scores(windows(3), 3, starts(duration_s, spec), spec)[:, 0], expected)


# Figures


RIGHT = ([0.9, 0, 0, 0.1], NOTHING, [0, 0.8, 0, 0.1], [0, 0.7, 0.0, 0.1])


def test_evaluate__a_right_model_has_full_marks() -> None:
    metrics = evaluated(score(*RIGHT))
    assert metrics.macro_map == metrics.macro_roc_auc == metrics.micro_f1 == metrics.padded_cmap == 1.0
    assert metrics.macro_map_interval == (1.0, 1.0)
    assert (metrics.n_rows, metrics.n_soundscapes, metrics.n_species) == (4, 1, 2)
    for found in (*metrics.by_snr, *metrics.by_overlap):
        assert (found.in_top, found.outranks, found.recall) == (1.0, 1.0, 1.0)


def test_evaluate__a_model_that_says_the_same_of_everything_is_chance() -> None:
    metrics = evaluated(score(*4 * [[0.6, 0.6, 0.6, 0.6]]))
    assert metrics.macro_roc_auc == 0.5
    assert metrics.micro_f1 == pytest.approx(2 * 3 / (16 + 3))
    for found in (*metrics.by_snr, *metrics.by_overlap):
        # Named, as everything is; equal scores put it in no top.
        assert (found.in_top, found.outranks, found.recall) == (0.0, 0.5, 1.0)


def test_evaluate__bins_hold_the_pairs_of_their_level() -> None:
    metrics = evaluated(score([0.9, 0, 0, 0], NOTHING, NOTHING, [0, 0.7, 0, 0]))
    found = by_name(metrics.by_snr)
    assert {name: one.n_pairs for name, one in found.items()} == {"below 0 dB": 2, "10 dB and more": 1}
    assert found["10 dB and more"].recall == 1.0
    assert found["below 0 dB"].recall == found["below 0 dB"].in_top == 0.5
    # Row 3 outranks both rows without b; row 2, at .02, only ties with one of them and beats the other.
    assert found["below 0 dB"].outranks == pytest.approx((1.0 + 0.75) / 2)


def test_evaluate__a_call_of_unknown_level_is_in_no_bin() -> None:
    assert evaluated(score(*RIGHT, annotations=(replace(A, snr_db=None),))).by_snr == ()


def test_evaluate__overlapping_species_have_a_place_each() -> None:
    both = (A, replace(B, begin_s=0.0, end_s=4.0))
    metrics = evaluated(score([0.4, 0.3, 0.2, 0.1], NOTHING, NOTHING, NOTHING, annotations=both))
    (several,) = metrics.by_overlap
    assert (several.name, several.n_pairs, several.in_top, several.recall) == ("several species", 2, 1.0, 0.0)
    wrong = evaluated(score([0.4, 0.2, 0.3, 0.1], NOTHING, NOTHING, NOTHING, annotations=both))
    assert wrong.by_overlap[0].in_top == 0.5


def test_evaluate__false_alarms_are_counted_where_no_animal_is() -> None:
    loud = [0.9, 0.9, 0.1, 0.1]
    # Row 1 has no animal; row 0 has one, and what is named there beside it is no false alarm of an empty row.
    (alarms,) = evaluated(score(loud, loud, NOTHING, NOTHING)).false_alarms
    assert (alarms.name, alarms.n_rows) == ("made", 1)
    assert alarms.hours == pytest.approx(5 / 3600)
    assert alarms.per_hour == pytest.approx(2 / (5 / 3600))
    (real,) = evaluated(score(loud, loud, NOTHING, NOTHING, real=True)).false_alarms
    assert real.name == "real"


def test_evaluate__a_call_too_short_to_count_makes_a_row_no_empty_one() -> None:
    calls = (replace(A, end_s=5.3), B)
    scores = score(NOTHING, [0.9, 0, 0, 0], NOTHING, NOTHING, annotations=calls)
    assert not scores.targets[1].any()
    assert evaluated(scores).false_alarms[0].n_rows == 0


def test_evaluate__thresholds_are_each_species_own() -> None:
    scores = score([0.3, 0.3, 0.3, 0.3], NOTHING, *RIGHT[2:])
    metrics = evaluate_soundscapes(scores, np.array([0.2, 0.5, 0.5, 0.5]), n_resamples=100)
    assert metrics.micro_f1 == 1.0


def test_evaluate__without_thresholds_nothing_is_named() -> None:
    metrics = evaluated(score(*RIGHT), threshold=None)
    assert metrics.micro_f1 is None
    assert metrics.false_alarms[0].per_hour is None
    assert all(found.recall is None for found in metrics.by_snr)
    assert metrics.macro_map == 1.0


def test_evaluate__the_interval_holds_the_figure() -> None:
    # Average precision of a resample is lifted by soundscapes that are in it twice: their calls are.
    rng = np.random.default_rng(0)
    soundscapes = [soundscape(A, B, name=f"S{number:02d}") for number in range(8)]
    scores = score_soundscapes(predicts(*rng.random((32, 4)).tolist()), soundscapes, SPEC, CLASSES)
    metrics = evaluated(scores)
    low, high = metrics.macro_map_interval
    assert low < metrics.macro_map < high


def test_evaluate__is_plain_for_json() -> None:
    silent = evaluated(score(*4 * [NOTHING], annotations=()))
    facts = json.loads(json.dumps(silent.to_dict(), allow_nan=False))
    assert facts["macro_map"] is None
    assert facts["macro_map_interval"] == [None, None]
    assert facts["false_alarms"][0]["per_hour"] == 0.0
    assert facts["n_rows"] == 4


# The timeline


def test_timelines__neighbouring_rows_are_one_detection() -> None:
    scores = score([0.9, 0, 0, 0.6], NOTHING, [0, 0.8, 0, 0.1], [0, 0.7, 0.0, 0.9])
    (timeline,) = timelines(scores, CLASSES, np.full(4, 0.5))
    assert json.loads(json.dumps(timeline, allow_nan=False)) == timeline
    assert [(one["code"], one["begin_s"], one["end_s"]) for one in timeline["detections"]] == [
        ("a", 0.0, 5.0),
        ("d", 0.0, 5.0),
        ("b", 10.0, 20.0),
        ("d", 15.0, 20.0),
    ]
    assert timeline["detections"][2]["probability"] == pytest.approx(0.8)
    assert [one["code"] for one in timeline["annotations"]] == ["a", "b"]
    assert (timeline["name"], timeline["duration_s"], timeline["start"]) == ("S01", 20.0, None)
