"""parity.npz comes back as it was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from silencio.bundle.parity import Parity, ParityClip
from silencio.errors import BundleIntegrityError


def _parity() -> Parity:
    rng = np.random.default_rng(1)
    clips = tuple(
        ParityClip(
            recording_id=f"clip/{i}",
            encoded=rng.bytes(50 + i),
            log_mel=rng.standard_normal((i + 1, 4, 3)).astype(np.float32),
            waveform=rng.integers(-32768, 32767, (i + 1, 20)).astype(np.int16),
            probabilities=rng.random((i + 1, 2)).astype(np.float32),
        )
        for i in range(2)
    )
    return Parity("ab" * 32, ("1234", "eurbla"), clips)


def test_parity__round_trip_keeps_every_bit(tmp_path: Path) -> None:
    written = _parity()
    written.save(tmp_path / "parity.npz")
    read = Parity.load(tmp_path / "parity.npz")
    assert (read.spec_sha256, read.codes) == (written.spec_sha256, written.codes)
    for one, other in zip(read.clips, written.clips, strict=True):
        assert (one.recording_id, one.encoded) == (other.recording_id, other.encoded)
        for name in ("log_mel", "waveform", "probabilities"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_parity__not_an_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "parity.npz"
    path.write_bytes(content)
    with pytest.raises(BundleIntegrityError, match=r"parity\.npz is not what export writes"):
        Parity.load(path)


def test_parity__an_archive_of_something_else(tmp_path: Path) -> None:
    np.savez(tmp_path / "parity.npz", other=np.zeros(3))
    with pytest.raises(BundleIntegrityError, match=r"parity\.npz is not what export writes"):
        Parity.load(tmp_path / "parity.npz")


def test_parity__pickles_are_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "parity.npz", facts=np.array([{"a": 1}], dtype=object))
    with pytest.raises(BundleIntegrityError):
        Parity.load(tmp_path / "parity.npz")
