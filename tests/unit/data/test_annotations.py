"""Which rows a call counts in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from silencio.data.annotations import Annotation, row_codes, rows_s


def test_rows_s__one_after_another_to_the_end() -> None:
    assert rows_s(60.0, 5.0) == [(5.0 * i, 5.0 * i + 5.0) for i in range(12)]
    assert rows_s(12.0, 5.0)[-1] == (10.0, 15.0)
    assert rows_s(0.3, 5.0) == [(0.0, 5.0)]


def test_rows_s__rounding_adds_no_row() -> None:
    assert len(rows_s(3 * 0.1 + 0.6, 0.3)) == 3  # 0.9000000000000001


def test_row_codes__an_end_at_the_edge_does_not_count() -> None:
    call = Annotation("grekis", 1.0, 5.4)
    assert row_codes([call], rows_s(10.0, 5.0)) == [["grekis"], []]
    assert row_codes([call], rows_s(10.0, 5.0), min_overlap_s=0.3) == [["grekis"], ["grekis"]]


def test_row_codes__a_short_call_counts_where_half_of_it_is() -> None:
    assert row_codes([Annotation("grekis", 4.9, 5.3)], rows_s(10.0, 5.0)) == [[], ["grekis"]]
    assert row_codes([Annotation("grekis", 4.8, 5.2)], rows_s(10.0, 5.0)) == [["grekis"], ["grekis"]]


def test_row_codes__each_species_once_sorted() -> None:
    calls = [Annotation("b", 0.0, 1.0), Annotation("a", 0.0, 1.0), Annotation("b", 2.0, 3.0)]
    assert row_codes(calls, [(0.0, 5.0)]) == [["a", "b"]]


@given(st.floats(0.0, 55.0), st.floats(0.01, 30.0), st.floats(0.05, 2.0))
def test_row_codes__no_call_is_lost(begin_s: float, length_s: float, min_overlap_s: float) -> None:
    rows = rows_s(100.0, 5.0)
    assert any(row_codes([Annotation("a", begin_s, begin_s + length_s)], rows, min_overlap_s))


def test_counts_between__what_only_touches_does_not_count() -> None:
    assert not Annotation("a", 5.0, 6.0).counts_between(0.0, 5.0, min_overlap_s=0.0)
    assert Annotation("a", 5.0, 6.0).overlap_s(0.0, 5.5) == pytest.approx(0.5)
