"""Mel filters against librosa's."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from silencio.features import FeatureSpec, mel_filters
from silencio.features.mel import hz_to_mel, mel_to_hz


@pytest.mark.filterwarnings("ignore:Empty filters detected")
@pytest.mark.parametrize(
    ("sample_rate_hz", "n_fft", "n_mels", "f_min_hz", "f_max_hz"),
    [
        (32_000, 2048, 128, 50.0, 16_000.0),
        (32_000, 1024, 64, 0.0, 16_000.0),
        (16_000, 512, 40, 20.0, 8_000.0),
        (22_050, 2048, 128, 0.0, 11_025.0),
        (48_000, 4096, 96, 900.0, 1_100.0),
        (48_000, 2048, 128, 3_000.0, 24_000.0),
        (32_000, 1025, 32, 50.0, 14_000.0),
    ],
)
def test_mel_filters__equal_librosa(
    sample_rate_hz: int, n_fft: int, n_mels: int, f_min_hz: float, f_max_hz: float
) -> None:
    ours = mel_filters(sample_rate_hz, n_fft, n_mels, f_min_hz, f_max_hz)
    theirs = librosa.filters.mel(sr=sample_rate_hz, n_fft=n_fft, n_mels=n_mels, fmin=f_min_hz, fmax=f_max_hz)
    assert ours.dtype == theirs.dtype == np.float32
    assert ours.shape == theirs.shape == (n_mels, 1 + n_fft // 2)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-8)


def test_mel_filters__no_band_of_the_default_is_deaf(spec: FeatureSpec) -> None:
    filters = mel_filters(spec.sample_rate_hz, spec.n_fft, spec.n_mels, spec.f_min_hz, spec.f_max_hz)
    assert (filters.max(axis=1) > 0).all()
    assert (filters >= 0).all()


def test_mel_filters__hear_nothing_outside_their_edges() -> None:
    filters = mel_filters(32_000, 2048, 32, 1_000.0, 4_000.0)
    bins_hz = np.fft.rfftfreq(2048, 1 / 32_000)
    assert filters[:, bins_hz <= 1_000].max() == 0
    assert filters[:, bins_hz >= 4_000].max() == 0


def test_mel_filters__peaks_rise_from_band_to_band() -> None:
    peaks = mel_filters(32_000, 16_384, 64, 50.0, 16_000.0).argmax(axis=1)
    assert (np.diff(peaks) > 0).all()


@pytest.mark.parametrize(("hz", "mel"), [(0.0, 0.0), (200.0, 3.0), (1_000.0, 15.0), (6_400.0, 42.0), (40_960.0, 69.0)])
def test_mel__is_slaneys(hz: float, mel: float) -> None:
    assert hz_to_mel(hz) == pytest.approx(mel)
    assert mel_to_hz(np.array([mel]))[0] == pytest.approx(hz)


def test_mel__there_and_back() -> None:
    for hz in (0.0, 50.0, 999.9, 1000.0, 1000.1, 16_000.0):
        assert mel_to_hz(np.array([hz_to_mel(hz)]))[0] == pytest.approx(hz, abs=1e-9)
