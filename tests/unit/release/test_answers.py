"""Answers of two bundles laid side by side: the same windows or not, the same classes or not."""

from __future__ import annotations

import numpy as np
import pytest

from silencio.errors import ReleaseError
from silencio.release.answers import BundleAnswers, SharedAnswers, disagreement, nearest_windows
from tests.unit.release.made_answers import answer, answers

YES, NO = [0.9, 0.1], [0.1, 0.1]


def test_disagreement__is_the_share_of_windows_whose_detected_set_differs() -> None:
    one, other = answer([YES, YES, NO, NO]), answer([YES, [0.9, 0.9], NO, [0.1, 0.9]])
    assert disagreement(one, other) == 0.5
    assert disagreement(one, one) == 0.0


def test_disagreement__probabilities_on_one_side_of_the_threshold_are_none() -> None:
    assert disagreement(answer([[0.51, 0.1]]), answer([[0.99, 0.49]])) == 0.0


def test_disagreement__of_windows_cut_otherwise_is_the_share_of_time() -> None:
    # The same five seconds of song in ten, heard by windows of five seconds and of two and a half.
    long, short = answer([YES, NO]), answer([YES, YES, NO, NO], window_s=2.5)
    assert disagreement(long, short) == 0.0
    shorter = answer([YES, NO, NO, NO], window_s=2.5)
    assert disagreement(long, shorter) == pytest.approx(0.25)
    assert disagreement(shorter, long) == pytest.approx(0.25)


def test_disagreement__of_overlapping_windows_a_moment_has_the_species_of_all_that_lie_over_it() -> None:
    overlapping = answer([YES, NO, NO], starts_s=[0.0, 2.5, 5.0])
    whole = answer([YES, NO], starts_s=[0.0, 5.0])
    assert disagreement(overlapping, whole) == 0.0


def test_disagreement__what_a_window_is_padded_with_is_no_time() -> None:
    # Six seconds: the second window of the one holds one second of sound, that of the other two and a half less.
    one = answer([YES, NO], duration_s=6.0)
    other = answer([YES, YES, YES], window_s=2.5, duration_s=6.0)
    assert disagreement(one, other) == pytest.approx(1 / 6)


def test_nearest__of_the_same_windows_is_the_same_window() -> None:
    assert nearest_windows(answer([YES] * 3), answer([NO] * 3)).tolist() == [0, 1, 2]


def test_nearest__of_windows_cut_otherwise_is_that_of_the_nearest_middle() -> None:
    long, short = answer([YES, NO]), answer([YES] * 5, window_s=2.0)
    assert nearest_windows(long, short).tolist() == [1, 3]
    assert nearest_windows(short, long).tolist() == [0, 0, 0, 1, 1]
    assert nearest_windows(short, answer([YES], window_s=30.0)).tolist() == [0] * 5


def test_detections__windows_that_touch_are_one() -> None:
    assert answer([YES, YES, NO, YES]).n_detections().tolist() == [2, 0]


def test_thresholds__are_compared_in_double_precision() -> None:
    # As the transformer does: a threshold that is a window's own probability is reached by it.
    probability = float(np.float32(0.3))
    found = BundleAnswers.of(["a"], {"a": probability}, {"r": answer([[probability]])})
    assert found.recordings["r"].detected.tolist() == [[True]]
    above = BundleAnswers.of(["a"], {"a": np.nextafter(probability, 1)}, {"r": answer([[probability]])})
    assert above.recordings["r"].detected.tolist() == [[False]]


def test_shared__columns_follow_the_code_and_not_its_place() -> None:
    champion = answers(["a", "b", "gone"], r=[[0.9, 0.1, 0.9]])
    challenger = answers(["b", "new", "a"], r=[[0.1, 0.9, 0.9]])
    shared = SharedAnswers.of(champion, challenger)
    assert shared.codes == ("a", "b")
    assert disagreement(*shared.pair("r")) == 0.0


def test_shared__recordings_are_those_that_both_answered() -> None:
    shared = SharedAnswers.of(answers(["a"], x=[[0.1]], y=[[0.1]]), answers(["a"], y=[[0.1]], z=[[0.1]]))
    assert shared.recordings == ("y",)


def test_shared__bundles_without_a_common_class_are_refused() -> None:
    with pytest.raises(ReleaseError, match="no class in common"):
        SharedAnswers.of(answers(["a"], r=[[0.1]]), answers(["b"], r=[[0.1]]))
