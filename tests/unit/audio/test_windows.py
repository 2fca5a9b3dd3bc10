"""A recording cut into windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from silencio.audio import (
    LastWindow,
    Padding,
    WindowCut,
    cut_windows,
    n_windows,
    pieces_of_blocks,
    window_starts,
    window_starts_s,
)

RATE_HZ = 32000
WINDOW = 5 * RATE_HZ
PADDINGS: tuple[Padding, ...] = get_args(Padding)
RULES: tuple[LastWindow, ...] = get_args(LastWindow)

lengths = st.integers(1, 400)
windows_and_hops = st.integers(1, 60).flatmap(lambda window: st.tuples(st.just(window), st.integers(1, window)))
cuts = st.builds(
    lambda shape, padding, rule: WindowCut(*shape, padding, rule),
    windows_and_hops,
    st.sampled_from(PADDINGS),
    st.sampled_from(RULES),
)


def _cuts(rule: LastWindow) -> st.SearchStrategy[WindowCut]:
    return cuts.map(lambda cut: WindowCut(cut.window_samples, cut.hop_samples, cut.padding, rule))


def _recording(n_samples: int) -> np.ndarray:
    return np.arange(1, n_samples + 1, dtype=np.int16)


# Every rule


@given(lengths, cuts)
def test_window_starts__full_windows_are_a_hop_apart_by_every_rule(n_samples: int, cut: WindowCut) -> None:
    starts = window_starts(n_samples, cut)
    full = [start for start in range(0, n_samples, cut.hop_samples) if start + cut.window_samples <= n_samples]
    assert starts[: len(full)] == full
    assert len(starts) - len(full) in (0, 1)
    assert starts == sorted(set(starts))
    assert 0 <= starts[-1] < n_samples


@given(lengths, cuts)
def test_cut_windows__every_window_begins_with_its_part_of_the_recording(n_samples: int, cut: WindowCut) -> None:
    recording = _recording(n_samples)
    windows = cut_windows(recording, cut)
    assert windows.dtype == np.int16
    assert windows.shape == (n_windows(n_samples, cut), cut.window_samples)
    for start, one in zip(window_starts(n_samples, cut), windows, strict=True):
        there = recording[start : start + cut.window_samples]
        np.testing.assert_array_equal(one[: len(there)], there)


@given(windows_and_hops, st.sampled_from(PADDINGS), st.data())
def test_cut_windows__a_recording_no_longer_than_a_window_is_the_same_window_by_every_rule(
    shape: tuple[int, int], padding: Padding, data: st.DataObject
) -> None:
    recording = _recording(data.draw(st.integers(1, shape[0])))
    by_rule = [cut_windows(recording, WindowCut(*shape, padding, rule)) for rule in RULES]
    (alone,) = by_rule[0]
    missing = shape[0] - len(recording)
    expected = np.resize(recording, shape[0]) if padding == "repeat" else np.pad(recording, (0, missing))
    np.testing.assert_array_equal(alone, expected)
    for other in by_rule[1:]:
        np.testing.assert_array_equal(other, [alone])


@given(st.integers(1, 20), windows_and_hops, st.sampled_from(PADDINGS))
def test_cut_windows__without_a_rest_every_rule_cuts_alike(
    n_full: int, shape: tuple[int, int], padding: Padding
) -> None:
    window, hop = shape
    recording = _recording(window + (n_full - 1) * hop)
    for rule in RULES:
        cut = WindowCut(window, hop, padding, rule)
        expected = [recording[number * hop :][:window] for number in range(n_full)]
        np.testing.assert_array_equal(cut_windows(recording, cut), expected)


@given(lengths, _cuts("left_out"))
def test_window_starts__only_left_out_leaves_samples_out_and_less_than_a_quarter_of_a_window(
    n_samples: int, cut: WindowCut
) -> None:
    for rule in ("padded", "moved_back"):
        other = WindowCut(cut.window_samples, cut.hop_samples, cut.padding, rule)
        assert window_starts(n_samples, other)[-1] + cut.window_samples >= n_samples
    assert n_samples - window_starts(n_samples, cut)[-1] - cut.window_samples < cut.window_samples / 4


def test_cut_windows__does_not_touch_the_recording() -> None:
    recording = np.arange(25, dtype=np.int16)
    for rule in RULES:
        cut_windows(recording, WindowCut(10, 10, "repeat", rule))[:] = 0
    np.testing.assert_array_equal(recording, np.arange(25))


def test_cut_windows__a_call_of_a_tenth_of_a_second_is_heard_fifty_times() -> None:
    call = np.random.default_rng(0).integers(-900, 900, 3200).astype(np.int16)
    for rule in RULES:
        cut = WindowCut(WINDOW, WINDOW, "repeat", rule)
        np.testing.assert_array_equal(cut_windows(call, cut), [np.tile(call, 50)])


# The last window moved back


@given(lengths, _cuts("moved_back"))
def test_cut_windows__moved_back_every_sample_is_in_a_window_and_nothing_is_heard_twice_in_one(
    n_samples: int, cut: WindowCut
) -> None:
    windows = cut_windows(_recording(n_samples), cut)
    assert set(windows.ravel().tolist()) - {0} == set(range(1, n_samples + 1))
    if n_samples >= cut.window_samples:
        for window in windows:
            np.testing.assert_array_equal(np.diff(window), 1)


@given(lengths, _cuts("moved_back"))
def test_window_starts__moved_back_the_last_window_ends_with_the_recording(n_samples: int, cut: WindowCut) -> None:
    last = window_starts(n_samples, cut)[-1]
    assert last + cut.window_samples == max(n_samples, cut.window_samples)


@given(lengths, _cuts("moved_back"))
def test_n_windows__moved_back_as_many_as_padded(n_samples: int, cut: WindowCut) -> None:
    assert n_windows(n_samples, cut) == n_windows(n_samples, WindowCut(cut.window_samples, cut.hop_samples))


@pytest.mark.parametrize("rest_s", [1 / RATE_HZ, 0.001, 0.01, 0.05, 1.24, 1.26, 4.9])
def test_cut_windows__moved_back_a_rest_is_never_played_again(rest_s: float) -> None:
    recording = np.random.default_rng(1).integers(-900, 900, WINDOW + round(rest_s * RATE_HZ)).astype(np.int16)
    moved = cut_windows(recording, WindowCut(WINDOW, WINDOW, "repeat", "moved_back"))
    np.testing.assert_array_equal(moved, [recording[:WINDOW], recording[-WINDOW:]])


def test_window_starts_s__moved_back_by_whole_samples_and_off_the_grid_of_hops() -> None:
    cut = WindowCut(WINDOW, WINDOW, "repeat", "moved_back")
    assert window_starts_s(12 * RATE_HZ, cut, RATE_HZ) == [0.0, 5.0, 7.0]
    assert window_starts_s(5 * RATE_HZ + 320, cut, RATE_HZ) == [0.0, 0.01]
    overlapping = WindowCut(WINDOW, WINDOW // 2, "repeat", "moved_back")
    assert window_starts_s(11 * RATE_HZ, overlapping, RATE_HZ) == [0.0, 2.5, 5.0, 6.0]


# A rest left out


@pytest.mark.parametrize(
    ("n_samples", "hop", "expected"),
    [(100, 100, [0]), (124, 100, [0]), (125, 100, [0, 100]), (224, 100, [0, 100]), (225, 100, [0, 100, 200])],
)
def test_window_starts__left_out_below_a_quarter_of_a_window(n_samples: int, hop: int, expected: list[int]) -> None:
    assert window_starts(n_samples, WindowCut(100, hop, "repeat", "left_out")) == expected


def test_window_starts__left_out_counts_what_the_overlapping_window_would_hold() -> None:
    cut = WindowCut(100, 50, "repeat", "left_out")
    assert window_starts(101, cut) == [0, 50]  # 51 samples of the second are there
    assert window_starts(101, WindowCut(100, 90, "repeat", "left_out")) == [0]


def test_cut_windows__left_out_a_longer_rest_is_padded() -> None:
    recording = _recording(15)
    windows = cut_windows(recording, WindowCut(10, 10, "repeat", "left_out"))
    np.testing.assert_array_equal(windows, [recording[:10], np.tile(recording[10:], 2)])


# A rest padded: the rule of what was made before there was another


@pytest.mark.parametrize(
    ("n_samples", "expected"),
    [
        (1, 1),
        (3200, 1),
        (WINDOW - 1, 1),
        (WINDOW, 1),
        (WINDOW + 1, 2),
        (2 * WINDOW, 2),
        (2 * WINDOW + 1, 3),
        (12 * RATE_HZ, 3),
    ],
)
def test_n_windows__without_overlap(n_samples: int, expected: int) -> None:
    assert n_windows(n_samples, WindowCut(WINDOW, WINDOW)) == expected


@pytest.mark.parametrize(("n_samples", "expected"), [(9, 1), (10, 1), (11, 2), (14, 2), (15, 3), (18, 3), (19, 4)])
def test_n_windows__a_hop_below_the_window_overlaps(n_samples: int, expected: int) -> None:
    assert n_windows(n_samples, WindowCut(10, 4)) == expected


@given(lengths, _cuts("padded"))
def test_n_windows__no_sample_is_dropped_and_no_window_is_in_vain(n_samples: int, cut: WindowCut) -> None:
    n = n_windows(n_samples, cut)
    assert (n - 1) * cut.hop_samples + cut.window_samples >= n_samples
    assert n == 1 or (n - 2) * cut.hop_samples + cut.window_samples < n_samples


@given(lengths, windows_and_hops)
def test_cut_windows__what_is_missing_is_repeated(n_samples: int, shape: tuple[int, int]) -> None:
    window, hop = shape
    cut, recording = WindowCut(window, hop, "repeat"), _recording(n_samples)
    last = cut_windows(recording, cut)[-1]
    there = recording[(n_windows(n_samples, cut) - 1) * hop :][:window]
    np.testing.assert_array_equal(last, [there[i % len(there)] for i in range(window)])


@given(lengths, windows_and_hops)
def test_cut_windows__or_silent(n_samples: int, shape: tuple[int, int]) -> None:
    window, hop = shape
    cut, recording = WindowCut(window, hop, "zero"), _recording(n_samples)
    last = cut_windows(recording, cut)[-1]
    there = recording[(n_windows(n_samples, cut) - 1) * hop :][:window]
    np.testing.assert_array_equal(last[len(there) :], 0)


def test_cut_windows__one_sample_over_is_a_window_of_its_own() -> None:
    recording = np.arange(11, dtype=np.int16)
    np.testing.assert_array_equal(cut_windows(recording, WindowCut(10, 10, "zero")), [recording[:10], [10] + [0] * 9])
    np.testing.assert_array_equal(cut_windows(recording, WindowCut(10, 10, "repeat")), [recording[:10], [10] * 10])


def test_window_starts_s__in_seconds() -> None:
    assert window_starts_s(12 * RATE_HZ, WindowCut(WINDOW, WINDOW), RATE_HZ) == [0.0, 5.0, 10.0]
    assert window_starts_s(12 * RATE_HZ, WindowCut(WINDOW, 80000), RATE_HZ) == [0.0, 2.5, 5.0, 7.5]


@given(lengths, cuts, st.integers(1, 9), st.lists(st.integers(0, 90)))
def test_pieces__cut_one_by_one_are_the_whole_cut_at_once_by_every_rule(
    n_samples: int, rule: WindowCut, n_at_once: int, portions: list[int]
) -> None:
    window, hop = rule.window_samples, rule.hop_samples
    recording = np.arange(1, n_samples + 1, dtype=np.int16)
    blocks = np.split(recording, [cut for cut in np.cumsum(portions, dtype=int) if cut < n_samples])
    pieces = list(pieces_of_blocks(blocks, rule, n_at_once))
    cut = [cut_windows(piece, rule) for _, piece in pieces]
    np.testing.assert_array_equal(np.concatenate(cut), cut_windows(recording, rule))
    starts = [begin + start for begin, piece in pieces for start in window_starts(len(piece), rule)]
    assert starts == window_starts(n_samples, rule)
    # All but the last are whole windows and always as many; the last has its recording's last whole window before it.
    assert all(
        len(windows) == n_at_once and len(piece) == window + (n_at_once - 1) * hop
        for (_, piece), windows in zip(pieces[:-1], cut[:-1], strict=True)
    )
    assert len(cut[-1]) <= n_at_once + 1
    assert len(pieces[-1][1]) >= min(window, n_samples)


def test_pieces__hold_no_more_than_a_piece_and_a_block() -> None:
    taken = 0

    def blocks() -> Iterator[NDArray[np.int16]]:
        nonlocal taken
        for _ in range(1_000):
            taken += 7
            yield np.zeros(7, np.int16)

    for begin, piece in pieces_of_blocks(blocks(), WindowCut(10, 10), 3):
        assert taken - begin <= 10 + 3 * 10 + 7
        assert piece.base is None or piece.base.size <= 10 + 3 * 10 + 7
