"""What drift takes of a bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring.drift.bundle_facts import KnownBundle, check_bundle
from silencio.bundle.placeholder import PLACEHOLDER_CLASSES, write_placeholder_bundle
from silencio.errors import BundleError, DataError
from silencio.storage import upload_folder

CODES = PLACEHOLDER_CLASSES.codes


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a validation window of the first species that is named so, and two of the second: one not, one as both."""
    folder = write_placeholder_bundle(tmp_path_factory.mktemp("bundle"))
    named = np.zeros((4, len(CODES)), np.float32)
    named[0, 0] = named[2, 0] = named[2, 1] = named[3, 0] = 0.5
    columns = {f"p_{code}": named[:, place] for place, code in enumerate(CODES)}
    labels = [CODES[0], CODES[1], CODES[1], "not in the list"]
    pq.write_table(pa.table({"primary_label": labels, **columns}), folder / "reference.parquet")
    return folder


def test_confusion__counts_what_was_named_for_each_true_species(bundle: Path) -> None:
    found = KnownBundle.read(str(bundle)).confusion()
    assert found.codes == tuple(CODES)
    expected = np.zeros((len(CODES), len(CODES)))
    # Rows are what was named, at its threshold; columns what was there.
    expected[0, 0] = expected[0, 1] = expected[1, 1] = 1
    np.testing.assert_array_equal(found.counts, expected)


def test_bundle__is_read_from_s3_too(bundle: Path, place: str) -> None:
    if place.startswith("s3://"):
        upload_folder(bundle, place)
        found = KnownBundle.read(place)
        assert found.manifest.version == "0-placeholder"
        assert found.confusion().counts.sum() == 3
    with pytest.raises(BundleError, match="is no bundle"):
        KnownBundle.read(f"{place}/elsewhere")


def test_bundle__must_have_answered(bundle: Path) -> None:
    known = KnownBundle.read(str(bundle))
    check_bundle(known, pa.table({"bundle_version": ["12", "0-placeholder"]}))
    with pytest.raises(DataError, match="was answered by 12, 13"):
        check_bundle(known, pa.table({"bundle_version": ["13", "12"]}))
