"""What drift takes of a bundle: which species its validation windows were taken for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from silencio.bundle.manifest import REFERENCE, BundleManifest, read_manifest
from silencio.drift import Confusion
from silencio.errors import BundleError, DataError
from silencio.storage.parquet import read_parquet

_PROBABILITY = "p_"


def check_bundle(manifest: BundleManifest, rows: pa.Table, directory: Path) -> None:
    """Refuse a bundle that answered none of the rows.

    Args:
        manifest: The bundle's.
        rows: Rows of the log, at least one.
        directory: Where the bundle lies, for the message.

    Raises:
        DataError: Another bundle answered.
    """
    found = sorted(set(rows["bundle_version"].to_pylist()))
    if manifest.version not in found:
        raise DataError(
            f"{directory} is bundle {manifest.version}, and the day was answered by {', '.join(found)}: "
            "give --bundle the one that answers, or leave it out"
        )


def validation_confusion(directory: Path) -> Confusion:
    """Of validation windows, how often each species was named for each true one.

    Raises:
        BundleError: The folder holds no bundle, or one without `reference.parquet`.
        DataError: Its `reference.parquet` is none.
    """
    manifest = read_manifest(directory)
    path = directory / REFERENCE
    if not path.is_file():
        raise BundleError(f"{directory} has no {REFERENCE}: it was made without validation data; leave --bundle out")
    codes = tuple(manifest.classes.codes)
    try:
        table = read_parquet(path, ["primary_label", *(f"{_PROBABILITY}{code}" for code in codes)])
    except (ValueError, OSError) as error:
        raise DataError(f"{path} is no reference of this bundle: {error}") from error
    probabilities = np.column_stack([table[f"{_PROBABILITY}{code}"].to_numpy() for code in codes])
    is_named = probabilities >= np.array([manifest.thresholds[code] for code in codes])
    index = {code: place for place, code in enumerate(codes)}
    truth = np.array([index.get(code, -1) for code in table["primary_label"].to_pylist()])
    counts = np.zeros((len(codes), len(codes)))
    known = truth >= 0
    np.add.at(counts.T, truth[known], is_named[known].astype(np.float64))
    return Confusion(codes, counts)
