"""Which rows a call counts in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from silencio.data.annotations import MIN_OVERLAP_S, Annotation, rows_s


def _counts(call: Annotation, rows: list[tuple[float, float]], min_overlap_s: float = MIN_OVERLAP_S) -> list[bool]:
    """In which rows."""
    return [call.counts_between(begin_s, end_s, min_overlap_s) for begin_s, end_s in rows]


def test_rows_s__one_after_another_to_the_end() -> None:
    assert rows_s(60.0, 5.0) == [(5.0 * i, 5.0 * i + 5.0) for i in range(12)]
    assert rows_s(12.0, 5.0)[-1] == (10.0, 15.0)
    assert rows_s(0.3, 5.0) == [(0.0, 5.0)]


def test_rows_s__rounding_adds_no_row() -> None:
    assert len(rows_s(3 * 0.1 + 0.6, 0.3)) == 3  # 0.9000000000000001


def test_counts_between__an_end_at_the_edge_does_not_count() -> None:
    call = Annotation("grekis", 1.0, 5.4)
    assert _counts(call, rows_s(10.0, 5.0)) == [True, False]
    assert _counts(call, rows_s(10.0, 5.0), min_overlap_s=0.3) == [True, True]


def test_counts_between__a_short_call_counts_where_half_of_it_is() -> None:
    assert _counts(Annotation("grekis", 4.9, 5.3), rows_s(10.0, 5.0)) == [False, True]
    assert _counts(Annotation("grekis", 4.8, 5.2), rows_s(10.0, 5.0)) == [True, True]


@given(st.floats(0.0, 55.0), st.floats(0.01, 30.0), st.floats(0.05, 2.0))
def test_counts_between__no_call_is_lost(begin_s: float, length_s: float, min_overlap_s: float) -> None:
    assert any(_counts(Annotation("a", begin_s, begin_s + length_s), rows_s(100.0, 5.0), min_overlap_s))


def test_counts_between__what_only_touches_does_not_count() -> None:
    assert not Annotation("a", 5.0, 6.0).counts_between(0.0, 5.0, min_overlap_s=0.0)
    assert Annotation("a", 5.0, 6.0).overlap_s(0.0, 5.5) == pytest.approx(0.5)
