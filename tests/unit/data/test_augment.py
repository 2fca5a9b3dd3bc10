"""Augmentation: what it may change, and what it may not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from silencio.audio import dequantize, quantize
from silencio.data.augment import (
    AugmentConfig,
    augment_waveform,
    gain,
    mask_log_mel,
    mixup,
    random_crop,
    time_shift,
    with_background,
)
from silencio.data.backgrounds import BackgroundConfig, BackgroundPool

EVERYTHING = AugmentConfig(time_shift_share=1.0, background_probability=1.0)
OFF = AugmentConfig(gain_db=0.0, mixup_probability=0.0, time_mask_frames=0, frequency_mask_mels=0)


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _noise(level: float, seed: int = 0, n: int = 4000) -> NDArray[np.float32]:
    return (level * _rng(seed).standard_normal(n)).astype(np.float32)


def _level(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


# Crops


@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 1000))
def test_random_crop__is_so_long_and_from_the_recording(n: int, n_samples: int, seed: int) -> None:
    start, crop = random_crop(np.arange(1, n + 1, dtype=np.int16), n_samples, _rng(seed))
    assert 0 <= start <= max(0, n - n_samples)
    assert crop.dtype == np.int16
    assert crop.shape == (n_samples,)
    assert set(crop.tolist()) <= set(range(1, n + 1))


@given(st.integers(2, 200), st.integers(1, 100), st.integers(0, 1000))
def test_random_crop__of_a_long_recording_is_in_one_piece(n: int, n_samples: int, seed: int) -> None:
    recording = np.arange(n + n_samples, dtype=np.int16)
    start, crop = random_crop(recording, n_samples, _rng(seed))
    np.testing.assert_array_equal(crop, recording[start : start + n_samples])


def test_random_crop__begins_anywhere_first_and_last_sample_included() -> None:
    recording = np.arange(12, dtype=np.int16)
    assert {int(random_crop(recording, 10, _rng(seed))[1][0]) for seed in range(60)} == {0, 1, 2}


def test_random_crop__of_a_short_recording_repeats_it_and_begins_anywhere() -> None:
    recording = np.arange(5, dtype=np.int16)
    crops = [random_crop(recording, 20, _rng(seed))[1] for seed in range(60)]
    assert {int(crop[0]) for crop in crops} == set(range(5))
    for crop in crops:
        np.testing.assert_array_equal(np.sort(crop), np.repeat(recording, 4))


def test_random_crop__of_exactly_one_window_holds_every_sample() -> None:
    recording = np.arange(20, dtype=np.int16)
    np.testing.assert_array_equal(np.sort(random_crop(recording, 20, _rng(3))[1]), recording)


# Gain


@given(st.floats(0.0, 20.0), st.integers(0, 1000))
def test_gain__is_within_its_bounds(max_db: float, seed: int) -> None:
    samples = _noise(0.001)
    changed_db = 20 * np.log10(_level(gain(samples, max_db, _rng(seed))) / _level(samples))
    assert abs(changed_db) <= max_db + 1e-3


def test_gain__goes_both_ways() -> None:
    levels = [_level(gain(_noise(0.001), 8.0, _rng(seed))) for seed in range(40)]
    assert min(levels) < 0.0007
    assert max(levels) > 0.0014


@given(st.floats(0.0625, 1.0, width=32), st.integers(0, 200))
def test_gain__never_clips(peak: float, seed: int) -> None:
    samples = np.array([0.0, peak, -peak / 2], np.float32)
    louder = gain(samples, 30.0, _rng(seed))
    assert np.abs(louder).max() <= 1.0 + 1e-6
    np.testing.assert_allclose(louder[2], -louder[1] / 2, rtol=1e-5)


def test_gain__of_silence_and_of_zero_decibels_changes_nothing() -> None:
    np.testing.assert_array_equal(gain(np.zeros(10, np.float32), 8.0, _rng()), 0)
    np.testing.assert_array_equal(gain(_noise(0.1), 0.0, _rng()), _noise(0.1))


def test_gain__what_was_beyond_full_scale_gets_no_louder() -> None:
    loud = np.array([2.0, -1.0], np.float32)
    assert max(np.abs(gain(loud, 20.0, _rng(seed))).max() for seed in range(40)) <= 2.0


# Mixup


def test_mixup__brings_both_to_the_same_level() -> None:
    quiet, loud = _noise(0.01), _noise(0.3, seed=1)
    np.testing.assert_allclose(_level(mixup(quiet, loud, 1.0)), 0.01, rtol=0.05)
    half = mixup(quiet, loud, 0.5)
    first, second = (abs(np.corrcoef(half, one)[0, 1]) for one in (quiet, loud))
    assert first == pytest.approx(second, abs=0.05)


def test_mixup__a_share_of_nothing_is_the_first() -> None:
    np.testing.assert_array_equal(mixup(_noise(0.1), _noise(0.1, seed=1), 0.0), _noise(0.1))


@given(st.floats(0.0, 1.0), st.integers(0, 100))
def test_mixup__stays_within_full_scale_and_float32(share: float, seed: int) -> None:
    mixed = mixup(np.ones(100, np.float32), _noise(0.5, seed=seed, n=100), share)
    assert mixed.dtype == np.float32
    assert np.abs(mixed).max() <= 1.0


def test_mixup__with_silence_is_quiet_not_infinite() -> None:
    for first, second in ((_noise(0.1), np.zeros(4000, np.float32)), (np.zeros(4000, np.float32), _noise(0.1))):
        assert np.isfinite(mixup(first, second, 0.5)).all()


# Shift


@given(st.floats(0.0, 1.0), st.integers(0, 300))
def test_time_shift__rolls_within_its_bounds(max_share: float, seed: int) -> None:
    samples = np.arange(200, dtype=np.float32)
    shifted = time_shift(samples, max_share, _rng(seed))
    by = int(shifted[0])
    np.testing.assert_array_equal(shifted, np.roll(samples, -by))
    assert min(by, 200 - by) <= round(max_share * 200)


def test_time_shift__goes_both_ways() -> None:
    starts = {int(time_shift(np.arange(10, dtype=np.float32), 0.2, _rng(seed))[0]) for seed in range(60)}
    assert starts == {8, 9, 0, 1, 2}


# Backgrounds


@pytest.mark.parametrize("snr_db", [-6.0, 0.0, 3.0, 20.0])
def test_with_background__lies_so_far_below(snr_db: float) -> None:
    samples, background = _noise(0.05), _noise(0.7, seed=1)
    laid = with_background(samples, background, snr_db) - samples
    assert 20 * np.log10(_level(samples) / _level(laid)) == pytest.approx(snr_db, abs=0.01)
    assert np.corrcoef(laid, background)[0, 1] == pytest.approx(1.0, abs=1e-4)


def test_with_background__is_made_softer_as_a_whole_and_never_clipped() -> None:
    samples, background = _noise(0.9, n=40), _noise(0.1, seed=1, n=40)
    mixed = with_background(samples, background, 0.0)
    unscaled = samples + background * np.float32(_level(samples) / _level(background))
    assert np.abs(unscaled).max() > 1.0
    np.testing.assert_allclose(mixed, unscaled / np.abs(unscaled).max(), atol=1e-6)


def test_with_background__silence_stays_silence() -> None:
    np.testing.assert_array_equal(with_background(np.zeros(100, np.float32), _noise(0.1, n=100), 0.0), 0.0)


BACKGROUND = quantize(_noise(0.02, seed=9, n=20_000))
POOL = BackgroundPool.of_waveforms([("S01_20230411_060000", BACKGROUND)], 32_000, "train")


def _laid_under(config: AugmentConfig, seed: int, pool: BackgroundPool = POOL) -> NDArray[np.float32]:
    waveform = quantize(_noise(0.05))
    return dequantize(augment_waveform(waveform, None, 0.0, config, _rng(seed), pool)) - dequantize(waveform)


def test_augment_waveform__lays_a_real_background_within_the_ratios_asked_for() -> None:
    assert POOL.real_names, "a background of the train half"
    real = BackgroundConfig(real_share=1.0)
    config = OFF.model_copy(
        update={"background_probability": 1.0, "background_snr_db": (5.0, 12.0), "background": real}
    )
    ratios_db = []
    for seed in range(40):
        laid = _laid_under(config, seed)
        ratios_db.append(20 * np.log10(0.05 / _level(laid)))
        # A piece of the recording and nothing else.
        similar = np.correlate(dequantize(BACKGROUND), laid, "valid").max()
        assert similar > 0.9 * np.sqrt(np.sum(laid**2)) * 0.02 * np.sqrt(len(laid))
    assert 4.7 < min(ratios_db) < 6.5
    assert 10.5 < max(ratios_db) < 12.3


def test_augment_waveform__lays_backgrounds_as_often_as_asked_for() -> None:
    made = BackgroundConfig(real_share=0.0)
    for probability in (0.0, 0.3, 1.0):
        config = OFF.model_copy(update={"background_probability": probability, "background": made})
        share = np.mean([bool(np.abs(_laid_under(config, seed)).max() > 0) for seed in range(60)])
        assert share == pytest.approx(probability, abs=0.15 if 0 < probability < 1 else 0)


def test_augment_waveform__the_background_lies_below_the_mixture_not_below_one_of_its_parts() -> None:
    waveform, other = quantize(_noise(0.1)), quantize(_noise(0.1, seed=1))
    config = OFF.model_copy(update={"background_probability": 1.0, "background_snr_db": (10.0, 10.0)})
    mixture = dequantize(augment_waveform(waveform, other, 0.5, OFF, _rng()))
    laid = dequantize(augment_waveform(waveform, other, 0.5, config, _rng(), POOL)) - mixture
    assert 20 * np.log10(_level(mixture) / _level(laid)) == pytest.approx(10.0, abs=0.05)


# Together


def test_augment_waveform__without_anything_switched_on_changes_nothing() -> None:
    waveform = quantize(_noise(0.1))
    np.testing.assert_array_equal(augment_waveform(waveform, None, 0.0, OFF, _rng()), waveform)


def test_augment_waveform__gives_int16_of_the_same_shape_and_touches_no_input() -> None:
    waveform, other = quantize(_noise(0.1)), quantize(_noise(0.2, seed=1))
    augmented = augment_waveform(waveform, other, 0.4, AugmentConfig(), _rng())
    assert augmented.dtype == np.int16
    assert augmented.shape == waveform.shape
    np.testing.assert_array_equal(waveform, quantize(_noise(0.1)))
    np.testing.assert_array_equal(other, quantize(_noise(0.2, seed=1)))


def test_augment_waveform__mixes_the_other_in() -> None:
    waveform, other = quantize(_noise(0.1)), quantize(_noise(0.1, seed=1))
    mixed = dequantize(augment_waveform(waveform, other, 0.5, OFF, _rng()))
    for one in (waveform, other):
        assert np.corrcoef(mixed, dequantize(one))[0, 1] == pytest.approx(0.707, abs=0.05)


# Masks


@given(st.integers(0, 500))
def test_mask_log_mel__fills_with_the_mean_within_two_masks_of_each(seed: int) -> None:
    log_mel = _rng(1).standard_normal((32, 50)).astype(np.float32)
    config = AugmentConfig(time_mask_frames=6, frequency_mask_mels=4)
    masked = mask_log_mel(log_mel, config, _rng(seed))
    changed = masked != log_mel
    assert masked.dtype == np.float32
    assert (masked[changed] == log_mel.mean()).all()
    assert changed.all(axis=0).sum() <= 2 * 6
    assert changed.all(axis=1).sum() <= 2 * 4
    # Whole frames and whole bands, nothing else.
    np.testing.assert_array_equal(changed, changed.all(axis=0)[None, :] | changed.all(axis=1)[:, None])


def test_mask_log_mel__masks_both_ways_and_not_always() -> None:
    log_mel = _rng(1).standard_normal((32, 50)).astype(np.float32)
    config = AugmentConfig(time_mask_frames=6, frequency_mask_mels=4)
    changed = [mask_log_mel(log_mel, config, _rng(seed)) != log_mel for seed in range(80)]
    assert any(one.all(axis=0).any() for one in changed)
    assert any(one.all(axis=1).any() for one in changed)
    assert any(not one.all(axis=0).any() for one in changed)


def test_mask_log_mel__switched_off_changes_nothing() -> None:
    log_mel = _rng(1).standard_normal((32, 50)).astype(np.float32)
    np.testing.assert_array_equal(mask_log_mel(log_mel, OFF, _rng()), log_mel)


def test_mask_log_mel__wider_than_the_window_is_the_whole_window_at_most() -> None:
    log_mel = _rng(1).standard_normal((4, 5)).astype(np.float32)
    config = AugmentConfig(time_mask_frames=100, frequency_mask_mels=100)
    for seed in range(30):
        assert mask_log_mel(log_mel, config, _rng(seed)).shape == (4, 5)


def test_mask_log_mel__does_not_touch_its_input() -> None:
    log_mel = _rng(1).standard_normal((32, 50)).astype(np.float32)
    before = log_mel.copy()
    mask_log_mel(log_mel, AugmentConfig(), _rng())
    np.testing.assert_array_equal(log_mel, before)


# Randomness


def test_all__draw_from_the_generator_that_they_are_handed_only() -> None:
    np.random.seed(1)  # the global generator, which must mean nothing
    waveform, log_mel = quantize(_noise(0.1)), _rng(1).standard_normal((32, 50)).astype(np.float32)

    def once() -> list[NDArray[np.generic]]:
        rng = _rng(5)
        return [
            random_crop(waveform, 100, rng)[1],
            augment_waveform(waveform, waveform, 0.3, EVERYTHING, rng, POOL),
            mask_log_mel(log_mel, AugmentConfig(), rng),
        ]

    first = once()
    np.random.seed(2)
    for a, b in zip(first, once(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gain_db", -1.0),
        ("mixup_probability", 1.1),
        ("mixup_alpha", 0.0),
        ("time_mask_frames", -1),
        ("gain", 1.0),
        ("background_probability", 1.1),
        ("background_snr_db", (9.0, 3.0)),
        ("time_shift_share", 1.5),
    ],
)
def test_augment_config__what_makes_no_sense_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        AugmentConfig.model_validate({name: value})
