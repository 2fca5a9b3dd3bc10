"""What drift takes of a bundle: its classes and specification, and what its validation windows were taken for."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa

from silencio.bundle.manifest import MANIFEST, REFERENCE, BundleManifest, read_manifest
from silencio.drift import Confusion
from silencio.errors import BundleError, DataError, StorageError
from silencio.storage import is_local, is_missing, join, read_bytes
from silencio.storage.parquet import read_parquet

_PROBABILITY = "p_"


@dataclass(frozen=True)
class KnownBundle:
    """A bundle's description of itself, and where it lies.

    Attributes:
        place: Folder or s3:// prefix.
        manifest: Its bundle.json.
    """

    place: str
    manifest: BundleManifest

    @classmethod
    def read(cls, place: str) -> Self:
        """The bundle of a folder or prefix; of its files bundle.json alone is read.

        Raises:
            BundleError: There is none, or it cannot be read.
            StorageError: The place does not answer.
        """
        if is_local(place):
            return cls(place, read_manifest(Path(place)))
        with tempfile.TemporaryDirectory() as scratch:
            try:
                (Path(scratch) / MANIFEST).write_bytes(read_bytes(join(place, MANIFEST)))
            except StorageError as error:
                if is_missing(error):
                    raise BundleError(f"{place} is no bundle: it holds no {MANIFEST}") from error
                raise
            return cls(place, read_manifest(Path(scratch)))

    def confusion(self) -> Confusion:
        """Of validation windows, how often each species was named (rows) for each true one (columns).

        Raises:
            BundleError: The bundle has no `reference.parquet`.
            DataError: Its `reference.parquet` is none.
            StorageError: The place does not answer.
        """
        uri = join(self.place, REFERENCE)
        codes = tuple(self.manifest.classes.codes)
        try:
            content = read_bytes(uri)
            table = read_parquet(content, ["primary_label", *(f"{_PROBABILITY}{code}" for code in codes)])
        except StorageError as error:
            if is_missing(error):
                raise BundleError(
                    f"{self.place} has no {REFERENCE}, as it was made without validation data: leave --bundle out"
                ) from error
            raise
        except (ValueError, OSError) as error:
            raise DataError(f"{uri} is no reference of this bundle, or half of one: {error}") from error
        probabilities = np.column_stack([table[f"{_PROBABILITY}{code}"].to_numpy() for code in codes])
        is_named = probabilities >= np.array([self.manifest.thresholds[code] for code in codes])
        place = {code: index for index, code in enumerate(codes)}
        truth = np.array([place.get(code, -1) for code in table["primary_label"].to_pylist()], np.int64)
        counts = np.zeros((len(codes), len(codes)))
        np.add.at(counts.T, truth[truth >= 0], is_named[truth >= 0].astype(np.float64))
        return Confusion(codes, counts)


def check_bundle(bundle: KnownBundle, rows: pa.Table) -> None:
    """Refuse a bundle that answered none of the rows.

    Args:
        bundle: As it was given.
        rows: Rows of the log, at least one.

    Raises:
        DataError: Another bundle answered.
    """
    found = sorted(set(rows["bundle_version"].to_pylist()))
    if bundle.manifest.version not in found:
        raise DataError(
            f"{bundle.place} is bundle {bundle.manifest.version}, and the day was answered by {', '.join(found)}: give "
            "--bundle the one that answers, or leave it out"
        )
