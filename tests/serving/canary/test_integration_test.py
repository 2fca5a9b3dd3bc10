"""integration_test: the real serving pair on a bundle that it must refuse; on one that serves, the run of `deliver`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from serving.canary.steps.integration_test import Inputs, run
from silencio.bundle.manifest import PARITY, read_manifest
from silencio.bundle.parity import Parity
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.errors import ReleaseRefusedError
from silencio.export.bundle import write_manifest
from silencio.release.deliveries import delivery_of


def test_bundle__whose_numbers_are_others_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """Its files are what its manifest says: only who computes finds out."""
    bundle = write_placeholder_bundle(tmp_path / "bundle")
    parity = Parity.load(bundle / PARITY)
    shifted = [replace(clip, probabilities=np.clip(clip.probabilities + 0.2, 0, 1)) for clip in parity.clips]
    replace(parity, clips=tuple(shifted)).save(bundle / PARITY)
    write_manifest(read_manifest(bundle), bundle)
    with pytest.raises(
        ReleaseRefusedError, match="bundle 0-placeholder cannot be served: the predictor does not serve"
    ):
        run(Inputs(bundle, "r1", str(tmp_path / "packages")))
    noted = delivery_of(str(tmp_path / "packages"), read_manifest(bundle).manifest_sha256, "r1")
    assert noted is not None and noted.outcome == "refused"
