"""Faults that show only when recordings are held against each other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import numpy as np
import pandas as pd
import pytest

from silencio.data.cross_checks import duplicates, odd_durations, sample_rates
from silencio.data.faults import Fault


def _table(rows: list[tuple[str, str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["recording_id", "primary_label", "sha256", "decoded_sha256"])


def test_duplicates__three_of_a_kind_are_two_faults_in_any_order() -> None:
    rows = [("c", "frog", "3", "s"), ("a", "frog", "1", "s"), ("b", "frog", "1", "s"), ("d", "frog", "4", "other")]
    expected = [Fault("b", "duplicate", "same bytes as a"), Fault("c", "duplicate", "same sound as a")]
    assert duplicates(_table(rows)) == expected
    assert duplicates(_table(rows[::-1])) == expected


def test_duplicates__two_labels_are_another_kind_that_names_both() -> None:
    rows = [("a", "frog", "1", "s"), ("b", "bird", "1", "s"), ("c", "frog", "1", "s")]
    first, second = duplicates(_table(rows))
    assert (first.kind, first.recording_id) == ("duplicate_two_labels", "b")
    assert first.detail == "same bytes as a, labelled 'frog' there, 'bird' here"
    assert (second.kind, second.recording_id) == ("duplicate", "c")


def _rates(*rates_hz: int) -> pd.DataFrame:
    return pd.DataFrame({"recording_id": [str(i) for i in range(len(rates_hz))], "sample_rate_hz": rates_hz})


def test_sample_rates__the_most_frequent_is_the_usual() -> None:
    faults = sample_rates(_rates(32000, 48000, 32000), None)
    assert faults == [Fault("1", "other_rate", "48000 Hz, the usual is 32000 Hz")]


def test_sample_rates__of_two_as_frequent_the_higher_is_the_usual() -> None:
    assert [fault.recording_id for fault in sample_rates(_rates(22050, 48000), None)] == ["0"]


def test_sample_rates__below_the_features_is_a_fault_of_its_own() -> None:
    faults = sample_rates(_rates(22050, 22050, 32000, 48000), 32000)
    low = [fault.recording_id for fault in faults if fault.kind == "low_rate"]
    assert low == ["0", "1"]
    assert faults[0].detail == "22050 Hz, the features are computed at 32000 Hz"


def _durations(durations_s: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"recording_id": [str(i) for i in range(len(durations_s))], "duration_s": durations_s})


def _odd(durations_s: np.ndarray, deviations: float = 5.0) -> list[int]:
    return [int(fault.recording_id) for fault in odd_durations(_durations(durations_s), deviations)]


def test_odd_durations__far_longer_and_far_shorter() -> None:
    rest = np.random.default_rng(0).lognormal(np.log(10), 0.5, 100)
    assert _odd(np.array([0.2, *rest, 1000.0])) == [0, 101]


def test_odd_durations__a_long_tail_is_not_odd() -> None:
    # BirdCLEF: half a second to half an hour, half of all below 20 s.
    assert _odd(np.random.default_rng(0).lognormal(np.log(20), 1.0, 5000)) == []


def test_odd_durations__clips_cut_to_one_length_are_no_scale_of_oddness() -> None:
    assert _odd(np.array([*[10.0] * 50, 15.0, 6.0])) == []
    assert _odd(np.array([*[10.0] * 50, 400.0])) == [50]


def test_odd_durations__many_outliers_do_not_hide_each_other() -> None:
    durations_s = np.array([*np.random.default_rng(0).lognormal(np.log(10), 0.3, 70), *[3600.0] * 30])
    assert _odd(durations_s) == list(range(70, 100))


@pytest.mark.parametrize("n_recordings", [1, 9])
def test_odd_durations__among_a_few_nothing_is_odd(n_recordings: int) -> None:
    assert _odd(np.array([*[1.0] * (n_recordings - 1), 1000.0])) == []


def _checked(n_recordings: int) -> tuple[int, int]:
    """How many faults a made-up competition has, and how many lines of our code it took to find them.

    In a thread of its own: what was traced before in this one, by coverage or by a test, has no part in it.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_checked_here, n_recordings).result()


def _checked_here(n_recordings: int) -> tuple[int, int]:
    rng = np.random.default_rng(0)
    same = rng.integers(0, n_recordings // 2, n_recordings).astype(str)
    table = pd.DataFrame(
        {
            "recording_id": np.arange(n_recordings).astype(str),
            "primary_label": rng.integers(0, 206, n_recordings).astype(str),
            "sha256": same,
            "decoded_sha256": same,
            "sample_rate_hz": rng.choice([22050, 32000], n_recordings),
            "duration_s": rng.lognormal(3, 1, n_recordings),
        }
    )
    n_lines = 0

    def count(frame: FrameType, event: str, _: object) -> Callable[..., object] | None:
        nonlocal n_lines
        if not frame.f_code.co_filename.endswith("cross_checks.py"):
            return None
        n_lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        faults = duplicates(table) + sample_rates(table, 32000) + odd_durations(table, 5.0)
    finally:
        sys.settrace(before)
    return len(faults), n_lines


def test_checks__of_more_recordings_take_work_in_proportion() -> None:
    (few_faults, few_lines), (many_faults, many_lines) = _checked(1_500), _checked(6_000)
    assert few_faults > 1_500 // 2 and many_faults > 6_000 // 2
    assert many_lines < 4.5 * few_lines
