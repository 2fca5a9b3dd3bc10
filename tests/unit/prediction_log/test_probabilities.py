"""Every class's probability, with the classes of the bundle that gave it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from silencio.errors import DataError
from silencio.prediction_log import probability_matrix
from silencio.prediction_log.schema import PROBABILITIES


def _table(version: list[str], probabilities: list[list[float] | None]) -> pa.Table:
    return pa.table({"bundle_version": version, "probabilities": pa.array(probabilities, PROBABILITIES)})


def test_matrix__a_row_a_window_and_a_column_a_class() -> None:
    table = pa.concat_tables([_table(["1"], [[0.5, 0.25]]), _table(["1", "1"], [[0.0, 1.0], [0.125, 0.75]])])
    matrix = probability_matrix(table, bundle_version="1", n_classes=2)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, [[0.5, 0.25], [0.0, 1.0], [0.125, 0.75]])


def test_matrix__of_rows_that_were_chosen() -> None:
    table = _table(["1", "2", "1"], [[0.5, 0.25], [1.0], [0.0, 1.0]]).filter(pa.array([True, False, True]))
    np.testing.assert_array_equal(probability_matrix(table, bundle_version="1", n_classes=2), [[0.5, 0.25], [0.0, 1.0]])


def test_matrix__of_no_rows() -> None:
    assert probability_matrix(_table([], []), bundle_version="1", n_classes=2).shape == (0, 2)


@pytest.mark.parametrize(
    ("version", "probabilities", "message"),
    [
        (["1", "2"], [[0.5, 0.25], [0.5, 0.25]], "the rows are of bundle 2, not 1 alone"),
        (["1", "1"], [[0.5, 0.25], None], "1 of 2 rows have no probabilities of every class"),
        (["1", "1"], [[0.5, 0.25], [0.5]], r"rows of bundle 1 have \[1, 2\] probabilities, not 2"),
    ],
)
def test_matrix__of_rows_that_are_not_of_this_bundle(
    version: list[str], probabilities: list[list[float] | None], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        probability_matrix(_table(version, probabilities), bundle_version="1", n_classes=2)
