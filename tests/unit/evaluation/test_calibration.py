"""Calibration: increasing curves, fitted on validation, evaluated on recordings that they have not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from silencio.evaluation.calibration import (
    KINDS,
    Calibration,
    CalibrationConfig,
    CalibrationFit,
    Kind,
    expected_calibration_error,
    fit_calibration,
    reliability,
)

N_CLASSES = 4
EPSILON = 1e-6  # off 0 and 1, where a logarithm has no value


class Windows:
    """Made-up validation: labels that come true as often as `logits` say, three windows a recording."""

    def __init__(self, n_recordings: int = 300, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.recording = np.repeat(np.arange(n_recordings), 3)
        self.ids = [f"XC{number}.ogg" for number in range(n_recordings)]
        self.logits = rng.normal(-1.0, 1.5, (n_recordings, N_CLASSES))[self.recording]
        happened = rng.random((n_recordings, N_CLASSES))[self.recording] < scipy.special.expit(self.logits)
        self.target = happened.astype(np.float32)

    def shown(self, confidence: float = 1.0, offset: float = 0.0) -> NDArray[np.float32]:
        """Probabilities of a model that is so overconfident, and so fond of naming."""
        return scipy.special.expit(confidence * self.logits + offset).astype(np.float32)


WINDOWS = Windows()


def _fit(shown: NDArray[np.floating], windows: Windows = WINDOWS, **config: Any) -> CalibrationFit:
    values = (shown, windows.target, windows.recording, windows.ids)
    return fit_calibration(*values, CalibrationConfig(**config))


def _log_loss(probabilities: NDArray[np.floating], target: NDArray[np.floating]) -> float:
    kept = np.clip(probabilities, EPSILON, 1 - EPSILON)
    return float(-(target * np.log(kept) + (1 - target) * np.log1p(-kept)).sum(axis=1).mean())


# The curve


@given(
    st.sampled_from(KINDS),
    st.floats(0.05, 20),
    st.floats(-14, 14),
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=8),
)
def test_curve__never_changes_an_order_within_a_species(
    kind: Kind, scale: float, offset: float, values: list[float]
) -> None:
    curve = Calibration(kind=kind, scale=(scale,), offset=(offset,))
    calibrated = curve(np.sort(np.array(values))[:, None])
    assert (np.diff(calibrated, axis=0) >= 0).all()
    assert ((calibrated >= 0) & (calibrated <= 1)).all()


def test_curve__is_a_line_between_logits() -> None:
    curve = Calibration(kind="platt", scale=(0.5, 2.0), offset=(0.0, -1.0))
    found = curve(np.array([[0.2, 0.2], [0.5, 0.5], [0.0, 1.0]]))
    np.testing.assert_allclose(scipy.special.logit(found[:2]), [[0.5 * np.log(0.25), 2 * np.log(0.25) - 1], [0, -1]])
    # Certainty has no logit: it becomes nearly certain, and a number.
    assert 0 < found[2, 0] < 0.01
    assert 0.99 < found[2, 1] < 1


def test_curve__takes_any_shape() -> None:
    curve = Calibration(kind="platt", scale=(0.5, 2.0), offset=(0.0, -1.0))
    values = np.random.default_rng(0).random((3, 5, 2))
    np.testing.assert_array_equal(curve(values).reshape(15, 2), curve(values.reshape(15, 2)))


def test_none__changes_nothing() -> None:
    values = np.array([[0.0, 1.0, 1e-9, 0.3]])
    np.testing.assert_array_equal(Calibration.none(4)(values), values)


def test_calibration__survives_json() -> None:
    curve = _fit(WINDOWS.shown(2.0), kind="shrunken_platt").calibration
    assert Calibration.model_validate_json(curve.model_dump_json()) == curve


@pytest.mark.parametrize("values", [{"kind": "isotonic"}, {"prior_strength": 0.0}, {"strength": 1.0}])
def test_config__what_makes_no_curve_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CalibrationConfig(**values)


# The fit


@pytest.mark.parametrize(("confidence", "scale"), [(3.0, 1 / 3), (1.0, 1.0), (0.4, 2.5)])
def test_temperature__undoes_over_and_underconfidence(confidence: float, scale: float) -> None:
    curve = _fit(WINDOWS.shown(confidence), kind="temperature").calibration
    assert curve.scale == (pytest.approx(scale, rel=0.1),) * N_CLASSES
    assert curve.offset == (0.0,) * N_CLASSES


def test_platt__undoes_a_fondness_for_naming() -> None:
    curve = _fit(WINDOWS.shown(2.0, offset=3.0), kind="platt").calibration
    assert curve.scale == (pytest.approx(0.5, rel=0.1),) * N_CLASSES
    assert curve.offset == (pytest.approx(-1.5, rel=0.15),) * N_CLASSES


def test_shrunken_platt__finds_the_species_that_differs() -> None:
    shown = WINDOWS.shown(2.0)
    shown[:, 1] = scipy.special.expit(0.5 * WINDOWS.logits[:, 1] + 2.0)
    common = _fit(shown, kind="platt").calibration
    own = _fit(shown, kind="shrunken_platt", prior_strength=0.1).calibration
    # Twice as steep and four lower undoes it; the others need half as steep.
    assert own.scale[1] > 1.5 > 0.8 > max(own.scale[0], own.scale[2], own.scale[3])
    assert own.offset[1] < -2.5
    assert _log_loss(own(shown), WINDOWS.target) < _log_loss(common(shown), WINDOWS.target) - 0.1


def test_shrunken_platt__more_evidence_is_asked_by_a_stronger_prior() -> None:
    shown = WINDOWS.shown(2.0)
    shown[:, 1] = scipy.special.expit(0.5 * WINDOWS.logits[:, 1] + 2.0)
    common = _fit(shown, kind="platt").calibration
    distances = [
        abs(_fit(shown, kind="shrunken_platt", prior_strength=strength).calibration.offset[1] - common.offset[1])
        for strength in (0.1, 10.0, 1000.0, 1e6)
    ]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 1.0
    assert distances[-1] < 0.01


def test_shrunken_platt__two_recordings_make_no_curve() -> None:
    # A species that is rare and predicted so, but for its only two recordings, of which the model is certain.
    windows = Windows()
    windows.logits[:, 3] -= 4.0
    windows.target[:, 3] = 0.0
    windows.target[:6, 3] = 1.0
    shown = windows.shown(2.0)
    shown[:6, 3] = 0.999
    common, own = (_fit(shown, windows, kind=kind).calibration for kind in ("platt", "shrunken_platt"))
    free = _fit(shown, windows, kind="shrunken_platt", prior_strength=0.01).calibration
    assert abs(own.scale[3] - common.scale[3]) < 0.25 * abs(free.scale[3] - common.scale[3])
    assert abs(own.offset[3] - common.offset[3]) < 0.25 * abs(free.offset[3] - common.offset[3])


@pytest.mark.parametrize("strength", [0.1, 10.0])
def test_shrunken_platt__is_the_least_penalised_loss(strength: float) -> None:
    shown = WINDOWS.shown(3.0, offset=1.0)
    common = _fit(shown, kind="platt").calibration
    curve = _fit(shown, kind="shrunken_platt", prior_strength=strength).calibration
    z, n_windows = scipy.special.logit(np.clip(shown, EPSILON, 1 - EPSILON).astype(float)), 3

    def loss(scale: NDArray[np.float64], offset: NDArray[np.float64]) -> NDArray[np.float64]:
        at = scale * z + offset
        fit = (np.logaddexp(0, at) - WINDOWS.target * at).sum(axis=0) / n_windows
        return fit + strength / 2 * ((scale - common.scale[0]) ** 2 + (offset - common.offset[0]) ** 2)

    scale, offset = np.array(curve.scale), np.array(curve.offset)
    for step in (-0.02, 0.02):
        assert (loss(scale + step, offset) > loss(scale, offset)).all()
        assert (loss(scale, offset + step) > loss(scale, offset)).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_fit__a_species_without_positives_or_without_negatives_gets_numbers(kind: str, label: float) -> None:
    windows = Windows()
    windows.target[:, 2] = label
    fit = _fit(windows.shown(3.0), windows, kind=kind)
    assert np.isfinite(fit.calibration.scale).all() and min(fit.calibration.scale) > 0
    assert np.isfinite(fit.calibration.offset).all()
    assert np.isfinite(fit.out_of_fold).all()


def test_fit__certain_and_wrong_gets_numbers() -> None:
    shown = np.where(WINDOWS.target > 0, 0.0, 1.0)
    for kind in KINDS:
        fit = _fit(shown, kind=kind)
        assert np.isfinite(fit.out_of_fold).all()
        assert np.isfinite(list(fit.log_loss.values())).all()
        assert min(fit.calibration.scale) > 0


def test_shrunken_platt__a_species_named_the_wrong_way_round_is_named_at_its_rate() -> None:
    # No increasing curve can turn it round: flat at the rate at which it occurs is the best there is.
    windows = Windows()
    shown = windows.shown(1.0)
    shown[:, 1] = scipy.special.expit(-2 * windows.logits[:, 1])
    curve = _fit(shown, windows, kind="shrunken_platt", prior_strength=1.0).calibration
    assert curve.scale[1] == pytest.approx(0.05)
    assert curve(shown)[:, 1].mean() == pytest.approx(windows.target[:, 1].mean(), abs=0.05)


# Which recordings count, and how much


@pytest.mark.parametrize("kind", ["temperature", "platt", "shrunken_platt"])
def test_fit__a_long_recording_weighs_no_more_than_a_short_one(kind: str) -> None:
    windows, longer = Windows(60), Windows(60)
    # The first ten recordings go on for thirty windows more, all like their first.
    more = np.repeat(np.arange(0, 30, 3), 30)
    rows = np.concatenate([np.arange(180), more])
    for name in ("recording", "logits", "target"):
        values = getattr(longer, name)
        # All windows of one recording are alike here: those of the ten are each other's copies.
        setattr(longer, name, values[rows])
    short, long = (_fit(one.shown(3.0), one, kind=kind).calibration for one in (windows, longer))
    np.testing.assert_allclose(short.scale, long.scale, rtol=1e-4)
    np.testing.assert_allclose(short.offset, long.offset, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["auto", "shrunken_platt"])
def test_fit__the_order_of_recordings_and_windows_means_nothing(kind: str) -> None:
    rng = np.random.default_rng(1)
    windows, shuffled = Windows(60), Windows(60)
    rows, recordings = rng.permutation(180), rng.permutation(60)
    shuffled.logits, shuffled.target = windows.logits[rows], windows.target[rows]
    # The recording that was at place `recordings[i]` is at place i now.
    shuffled.recording = np.argsort(recordings)[windows.recording[rows]]
    shuffled.ids = [windows.ids[place] for place in recordings]
    first, second = _fit(windows.shown(3.0), windows, kind=kind), _fit(shuffled.shown(3.0), shuffled, kind=kind)
    assert first.calibration.kind == second.calibration.kind
    np.testing.assert_allclose(first.calibration.scale, second.calibration.scale, rtol=1e-4)
    np.testing.assert_allclose(first.out_of_fold[rows], second.out_of_fold, rtol=1e-3)


# What is chosen, and by which evidence


def test_out_of_fold__no_recording_has_shaped_its_own_curve() -> None:
    windows, lying = Windows(60), Windows(60)
    lying.target[:3] = 1 - lying.target[:3]
    honest, other = (_fit(one.shown(3.0), one, kind="platt").out_of_fold for one in (windows, lying))
    np.testing.assert_array_equal(other[:3], honest[:3])
    # The others' curves have seen it.
    assert (np.abs(other[3:] - honest[3:]) > 1e-4).any()


def test_out_of_fold__windows_of_one_recording_are_left_out_together() -> None:
    fit = _fit(WINDOWS.shown(3.0), kind="platt")
    one_curve = fit.out_of_fold.reshape(-1, 3, N_CLASSES)
    np.testing.assert_array_equal(one_curve, np.repeat(one_curve[:, :1], 3, axis=1))


def test_auto__takes_the_least_loss_on_unseen_recordings() -> None:
    fit = _fit(WINDOWS.shown(3.0, offset=2.0))
    assert set(fit.log_loss) == set(KINDS)
    assert fit.calibration.kind == min(fit.log_loss, key=fit.log_loss.__getitem__)
    assert fit.calibration.kind in ("platt", "shrunken_platt")
    assert fit.log_loss["none"] == pytest.approx(_log_loss(WINDOWS.shown(3.0, offset=2.0), WINDOWS.target), rel=1e-5)
    assert fit.log_loss[fit.calibration.kind] == pytest.approx(_log_loss(fit.out_of_fold, WINDOWS.target), rel=1e-5)


def test_auto__what_is_calibrated_stays_so() -> None:
    unseen = Windows(seed=1)
    rise = []
    for seed in range(2, 8):
        windows = Windows(60, seed=seed)
        fit = _fit(windows.shown(), windows)
        calibrated = fit.calibration(unseen.shown())
        rise.append(_log_loss(calibrated, unseen.target) - _log_loss(unseen.shown(), unseen.target))
    # Of a loss of 1.9 in all, from 60 recordings.
    assert np.mean(rise) < 0.03
    assert max(rise) < 0.08


def test_auto__unseen_recordings_gain_where_there_is_something_to_gain() -> None:
    fit, unseen = _fit(WINDOWS.shown(3.0)), Windows(seed=1)
    calibrated = fit.calibration(unseen.shown(3.0))
    assert _log_loss(calibrated, unseen.target) < 0.75 * _log_loss(unseen.shown(3.0), unseen.target)
    errors = [expected_calibration_error(one, unseen.target > 0) for one in (unseen.shown(3.0), calibrated)]
    assert errors[1] < 0.3 * errors[0]


def test_auto__one_recording_is_no_evidence() -> None:
    windows = Windows(1)
    fit = _fit(windows.shown(3.0), windows)
    assert fit.calibration == Calibration.none(N_CLASSES)
    np.testing.assert_array_equal(fit.out_of_fold, windows.shown(3.0))


@pytest.mark.parametrize("kind", KINDS)
def test_kind__can_be_asked_for(kind: str) -> None:
    fit = _fit(WINDOWS.shown(2.0), kind=kind)
    assert fit.calibration.kind == kind
    assert list(fit.log_loss) == [kind]


# Expected calibration error


def test_error__by_hand() -> None:
    probabilities = np.array([0.62, 0.64, 0.66, 0.68, 0.95, 0.97])
    happened = np.array([True, True, False, False, True, True])
    # Four at 0.65 of which half came true; two at 0.96 that both did.
    assert expected_calibration_error(probabilities, happened) == pytest.approx(4 / 6 * 0.15 + 2 / 6 * 0.04)
    bins = reliability(probabilities, happened)
    assert [(one.mean_probability, one.right_share, one.recordings_share) for one in bins] == [
        (pytest.approx(0.65), 0.5, pytest.approx(4 / 6)),
        (pytest.approx(0.96), 1.0, pytest.approx(2 / 6)),
    ]


def test_error__of_certainty() -> None:
    assert expected_calibration_error(np.array([1.0, 1.0, 0.0]), np.array([True, True, False])) == 0.0
    assert expected_calibration_error(np.array([1.0, 1.0]), np.array([False, False])) == 1.0


def test_error__of_nothing_or_of_no_number_is_no_number() -> None:
    # As 0 it would pass any gate: no bin holds what is no number.
    assert np.isnan(expected_calibration_error(np.empty(0), np.empty(0, bool)))
    assert np.isnan(expected_calibration_error(np.array([np.nan, 0.5]), np.array([True, True])))


def test_error__errors_within_a_bin_cancel_and_across_bins_do_not() -> None:
    happened = np.array([True, False, True, False])
    assert expected_calibration_error(np.array([0.42, 0.58, 0.42, 0.58]), happened, n_bins=1) == pytest.approx(0.0)
    assert expected_calibration_error(np.array([0.42, 0.58, 0.42, 0.58]), happened) == pytest.approx(0.58)


def test_error__takes_any_shape() -> None:
    rng = np.random.default_rng(0)
    values, happened = rng.random((4, 5)), rng.random((4, 5)) < 0.5
    assert expected_calibration_error(values, happened) == expected_calibration_error(values.ravel(), happened.ravel())


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30), st.integers(1, 15))
def test_reliability__bins_hold_everything_once(rows: list[tuple[float, bool]], n_bins: int) -> None:
    values, happened = np.array([value for value, _ in rows]), np.array([true for _, true in rows])
    bins = reliability(values, happened, n_bins)
    assert sum(one.recordings_share for one in bins) == pytest.approx(1.0)
    assert sum(one.recordings_share * one.right_share for one in bins) == pytest.approx(happened.mean())
    assert sum(one.recordings_share * one.mean_probability for one in bins) == pytest.approx(values.mean())
    assert 0.0 <= expected_calibration_error(values, happened, n_bins) <= 1.0
