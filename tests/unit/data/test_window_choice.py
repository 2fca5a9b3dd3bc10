"""Of several windows of a recording, the one with most sound."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.data.window_choice import loudest

RATE_HZ = 16_000
N = 2 * RATE_HZ
TIME_S = np.arange(N) / RATE_HZ


def _floor(seed: int) -> NDArray[np.float64]:
    return 30.0 * np.random.default_rng(seed).standard_normal(N)


def _call(pitch_hz: float, level: float, begin_s: float = 0.5, end_s: float = 1.1) -> NDArray[np.float64]:
    return level * np.sin(2 * np.pi * pitch_hz * TIME_S) * ((begin_s < TIME_S) & (end_s > TIME_S))


def _chosen(*windows: NDArray[np.float64]) -> int:
    return loudest([window.astype(np.int16) for window in windows], RATE_HZ)


@pytest.mark.parametrize("place", range(4))
def test_loudest__is_the_window_with_the_call(place: int) -> None:
    windows = [_floor(seed) for seed in range(4)]
    windows[place] = windows[place] + _call(4_000, 300.0)
    assert _chosen(*windows) == place


def test_loudest__the_longer_of_two_calls() -> None:
    short = _floor(0) + _call(4_000, 300.0, 0.5, 0.7)
    assert _chosen(_floor(1), short, _floor(2) + _call(4_000, 300.0, 0.2, 1.8)) == 2


def test_loudest__wind_and_hum_count_for_little() -> None:
    hum = _floor(0) + 2_000 * np.sin(2 * np.pi * 50 * TIME_S)
    assert _chosen(hum, _floor(1) + _call(4_000, 300.0)) == 1


def test_loudest__one_click_is_no_call() -> None:
    click = _floor(0)
    click[N // 2 : N // 2 + 40] = 30_000 * (-1.0) ** np.arange(40)
    assert _chosen(click, _floor(1) + _call(4_000, 150.0)) == 1


def test_loudest__the_recordings_own_level_means_nothing() -> None:
    windows = [_floor(0), _floor(1) + _call(4_000, 300.0), _floor(2)]
    for level in (0.2, 1.0, 20.0):
        assert _chosen(*(level * window for window in windows)) == 1


def test_loudest__of_silence_and_of_equals_is_the_first() -> None:
    assert _chosen(np.zeros(N), np.zeros(N)) == 0
    assert _chosen(_floor(0), _floor(0)) == 0
