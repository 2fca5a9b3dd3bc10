"""The probabilities of every class, as a matrix."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from silencio.errors import DataError


def probability_matrix(table: pa.Table, *, bundle_version: str, n_classes: int) -> NDArray[np.float32]:
    """A bundle's probabilities of each window and class.

    A row does not name the classes: they are the bundle's, in its order (`BundleManifest.classes.codes`), and bundles
    of one version have the same.

    Args:
        table: Table of `read_log`, with the columns `bundle_version` and `probabilities`.
        bundle_version: Version of the bundle whose classes the columns are to be.
        n_classes: How many it has.

    Returns:
        Shape (n_rows, n_classes), rounded as the log has it (float16: three digits).

    Raises:
        DataError: A row is of another bundle, was written before probabilities were logged, or has another number of
            them.
    """
    others = sorted(set(table["bundle_version"].to_pylist()) - {bundle_version})
    if others:
        raise DataError(
            f"the rows are of bundle {', '.join(others)}, not {bundle_version} alone: choose its rows first"
        )
    column = table["probabilities"]
    if column.null_count:
        raise DataError(
            f"{column.null_count} of {len(column)} rows have no probabilities of every class (requests that failed, or "
            "a log from before they were kept): leave these rows out"
        )
    lengths = set(pc.unique(pc.list_value_length(column)).to_pylist())
    if lengths - {n_classes}:
        raise DataError(f"rows of bundle {bundle_version} have {sorted(lengths)} probabilities, not {n_classes}")
    flat = pc.list_flatten(column).to_numpy()
    return np.asarray(flat, np.float32).reshape(len(column), n_classes)
