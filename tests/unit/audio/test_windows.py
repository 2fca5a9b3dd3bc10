"""A recording cut into windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from silencio.audio import cut_windows, n_windows, pieces_of_blocks, window_starts_s

RATE_HZ = 32000
WINDOW = 5 * RATE_HZ
PADDINGS: list[Literal["repeat", "zero"]] = ["repeat", "zero"]

lengths = st.integers(1, 400)
windows_and_hops = st.integers(1, 60).flatmap(lambda window: st.tuples(st.just(window), st.integers(1, window)))


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
    assert n_windows(n_samples, WINDOW, WINDOW) == expected


@pytest.mark.parametrize(("n_samples", "expected"), [(9, 1), (10, 1), (11, 2), (14, 2), (15, 3), (18, 3), (19, 4)])
def test_n_windows__a_hop_below_the_window_overlaps(n_samples: int, expected: int) -> None:
    assert n_windows(n_samples, 10, 4) == expected


@given(lengths, windows_and_hops)
def test_n_windows__no_sample_is_dropped_and_no_window_is_in_vain(n_samples: int, shape: tuple[int, int]) -> None:
    window, hop = shape
    n = n_windows(n_samples, window, hop)
    assert (n - 1) * hop + window >= n_samples
    assert n == 1 or (n - 2) * hop + window < n_samples


@given(lengths, windows_and_hops, st.sampled_from(PADDINGS))
def test_cut_windows__every_window_begins_with_its_part_of_the_recording(
    n_samples: int, shape: tuple[int, int], padding: Literal["repeat", "zero"]
) -> None:
    window, hop = shape
    recording = np.arange(1, n_samples + 1, dtype=np.int16)
    cut = cut_windows(recording, window, hop, padding)
    assert cut.dtype == np.int16
    assert cut.shape == (n_windows(n_samples, window, hop), window)
    for number, one in enumerate(cut):
        there = recording[number * hop : number * hop + window]
        np.testing.assert_array_equal(one[: len(there)], there)
    assert set(recording.tolist()) <= set(cut.ravel().tolist())


@given(lengths, windows_and_hops)
def test_cut_windows__what_is_missing_is_repeated(n_samples: int, shape: tuple[int, int]) -> None:
    window, hop = shape
    recording = np.arange(1, n_samples + 1, dtype=np.int16)
    last = cut_windows(recording, window, hop, "repeat")[-1]
    there = recording[(n_windows(n_samples, window, hop) - 1) * hop :][:window]
    np.testing.assert_array_equal(last, [there[i % len(there)] for i in range(window)])


@given(lengths, windows_and_hops)
def test_cut_windows__or_silent(n_samples: int, shape: tuple[int, int]) -> None:
    window, hop = shape
    recording = np.arange(1, n_samples + 1, dtype=np.int16)
    last = cut_windows(recording, window, hop, "zero")[-1]
    there = recording[(n_windows(n_samples, window, hop) - 1) * hop :][:window]
    np.testing.assert_array_equal(last[len(there) :], 0)


def test_cut_windows__a_call_of_a_tenth_of_a_second_is_heard_fifty_times() -> None:
    call = np.random.default_rng(0).integers(-900, 900, 3200).astype(np.int16)
    np.testing.assert_array_equal(cut_windows(call, WINDOW, WINDOW, "repeat"), [np.tile(call, 50)])


def test_cut_windows__exactly_one_window_is_the_recording_itself() -> None:
    recording = np.random.default_rng(0).integers(-900, 900, WINDOW).astype(np.int16)
    for padding in PADDINGS:
        np.testing.assert_array_equal(cut_windows(recording, WINDOW, WINDOW, padding), [recording])


def test_cut_windows__one_sample_over_is_a_window_of_its_own() -> None:
    recording = np.arange(11, dtype=np.int16)
    np.testing.assert_array_equal(cut_windows(recording, 10, 10, "zero"), [recording[:10], [10] + [0] * 9])
    np.testing.assert_array_equal(cut_windows(recording, 10, 10, "repeat"), [recording[:10], [10] * 10])


def test_cut_windows__does_not_touch_the_recording() -> None:
    recording = np.arange(25, dtype=np.int16)
    cut_windows(recording, 10, 10, "repeat")[:] = 0
    np.testing.assert_array_equal(recording, np.arange(25))


@given(lengths, windows_and_hops)
def test_window_starts_s__one_start_a_window_a_hop_apart(n_samples: int, shape: tuple[int, int]) -> None:
    window, hop = shape
    starts = window_starts_s(n_samples, window, hop, 100)
    assert starts == [number * hop / 100 for number in range(n_windows(n_samples, window, hop))]
    assert starts[-1] < n_samples / 100


def test_window_starts_s__in_seconds() -> None:
    assert window_starts_s(12 * RATE_HZ, WINDOW, WINDOW, RATE_HZ) == [0.0, 5.0, 10.0]
    assert window_starts_s(12 * RATE_HZ, WINDOW, 80000, RATE_HZ) == [0.0, 2.5, 5.0, 7.5]


@given(lengths, windows_and_hops, st.sampled_from(PADDINGS), st.integers(1, 9), st.lists(st.integers(0, 90)))
def test_pieces__cut_one_by_one_are_the_whole_cut_at_once(
    n_samples: int, shape: tuple[int, int], padding: Literal["repeat", "zero"], n_at_once: int, portions: list[int]
) -> None:
    window, hop = shape
    recording = np.arange(1, n_samples + 1, dtype=np.int16)
    blocks = np.split(recording, [cut for cut in np.cumsum(portions, dtype=int) if cut < n_samples])
    pieces = list(pieces_of_blocks(blocks, window, hop, n_at_once))
    cut = [cut_windows(piece, window, hop, padding) for _, piece in pieces]
    np.testing.assert_array_equal(np.concatenate(cut), cut_windows(recording, window, hop, padding))
    starts = [begin + i * hop for (begin, _), windows in zip(pieces, cut, strict=True) for i in range(len(windows))]
    assert starts == [i * hop for i in range(len(starts))]
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

    for begin, piece in pieces_of_blocks(blocks(), 10, 10, 3):
        assert taken - begin <= 10 + 3 * 10 + 7
        assert piece.base is None or piece.base.size <= 10 + 3 * 10 + 7
