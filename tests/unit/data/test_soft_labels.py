"""Soft labels: what a teacher says becomes targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from silencio.data.soft_labels import SoftLabels
from silencio.errors import DataError
from silencio.features import FeatureSpec

SPEC = FeatureSpec(sample_rate_hz=16000, window_s=2.0, hop_s=2.0, f_max_hz=8000.0)
# Five seconds: windows at 0, 2 and 4 s as served, then at 1 and 3 s.
N_SAMPLES = 5 * 16000
TARGETS = np.array([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4], [0.5, 0.5], [0.2, 0.8]], np.float32)


def soft(shown: np.ndarray = TARGETS) -> SoftLabels:
    return SoftLabels({"a/1.ogg": shown})


@pytest.mark.parametrize(("start_s", "number"), [(0.0, 0), (0.9, 3), (1.6, 1), (3.2, 4), (4.0, 2)])
def test_at__is_the_nearest_window_of_the_grid(start_s: float, number: int) -> None:
    target = soft().at("a/1.ogg", int(start_s * 16000), N_SAMPLES, SPEC)
    np.testing.assert_array_equal(target, TARGETS[number])


def test_at__one_row_holds_everywhere() -> None:
    np.testing.assert_array_equal(soft(TARGETS[:1]).at("a/1.ogg", 40000, N_SAMPLES, SPEC), TARGETS[0])


def test_at__another_cut_or_recording_is_an_error() -> None:
    with pytest.raises(DataError, match="was given 5 windows of a/1.ogg, here are 3"):
        soft().at("a/1.ogg", 0, 4 * 16000, SPEC)
    with pytest.raises(DataError, match=r"no predictions of b/1.ogg"):
        soft().at("b/1.ogg", 0, N_SAMPLES, SPEC)


def test_softened__is_the_temperature_of_a_softmax() -> None:
    logits = np.array([[2.0, 0.0, -1.0], [0.5, 0.4, 0.3]])
    at = {t: np.exp(logits / t) / np.exp(logits / t).sum(axis=1, keepdims=True) for t in (1.0, 0.5, 3.0)}
    for temperature in (0.5, 3.0):
        softened = soft(at[1.0].astype(np.float32)).softened(temperature).targets["a/1.ogg"]
        np.testing.assert_allclose(softened, at[temperature], rtol=1e-5)


def test_softened__temperature_one_changes_nothing_and_no_target_exceeds_one() -> None:
    np.testing.assert_allclose(soft().softened(1.0).targets["a/1.ogg"], TARGETS, rtol=1e-6)
    two_species = np.array([[0.99, 0.9, 0.01]], np.float32)
    sharp = soft(two_species).softened(0.2).targets["a/1.ogg"]
    assert sharp.max() == 1.0


def test_pseudo_labels__power_makes_doubt_count_less() -> None:
    made = soft().as_pseudo_labels(power=2.0, min_probability=0.0).targets["a/1.ogg"]
    np.testing.assert_allclose(made, TARGETS**2, rtol=1e-6)
    # Rows lose weight with doubt: the sure first window keeps more of its sum than the undecided fourth.
    assert made[0].sum() > made[3].sum()


def test_pseudo_labels__windows_below_least_are_left_out() -> None:
    # `min_probability` is held against the probability, not against its power.
    made = soft().as_pseudo_labels(power=2.0, min_probability=0.65)
    assert made.left_out("a/1.ogg", N_SAMPLES, SPEC) == {2, 3}
    assert not made.targets["a/1.ogg"][[2, 3]].any()
    np.testing.assert_allclose(made.targets["a/1.ogg"][4], TARGETS[4] ** 2, rtol=1e-6)


def test_pseudo_labels__a_recording_that_is_all_doubt_is_left_out_whole() -> None:
    both = SoftLabels({"sure.ogg": TARGETS, "doubtful.ogg": np.full((3, 2), 0.5, np.float32)})
    assert set(both.as_pseudo_labels(power=1.5, min_probability=0.6).targets) == {"sure.ogg"}


def test_left_out__is_nothing_where_the_teacher_spoke_of_all_or_not_at_all() -> None:
    assert soft().left_out("a/1.ogg", N_SAMPLES, SPEC) == set()
    assert soft().left_out("b/1.ogg", N_SAMPLES, SPEC) == set()


def test_mixed__adds_a_share_of_the_label_where_there_is_one() -> None:
    two = SoftLabels({"a/1.ogg": TARGETS, "pool.ogg": TARGETS})
    mixed = two.mixed({"a/1.ogg": np.array([0.0, 1.0], np.float32)}, share=0.25)
    np.testing.assert_allclose(mixed.targets["a/1.ogg"][0], [0.675, 0.325], rtol=1e-6)
    np.testing.assert_array_equal(mixed.targets["pool.ogg"], TARGETS)


def test_most_probable__is_of_all_windows_together() -> None:
    assert soft().most_probable() == {"a/1.ogg": 0}
    assert soft(TARGETS[1:]).most_probable() == {"a/1.ogg": 1}


def test_save__keeps_everything_under_the_given_name(tmp_path: Path) -> None:
    path = tmp_path / "made" / "soft"
    soft().save(path)
    assert [one.name for one in path.parent.iterdir()] == ["soft"]
    np.testing.assert_array_equal(SoftLabels.load(path).targets["a/1.ogg"], TARGETS)
