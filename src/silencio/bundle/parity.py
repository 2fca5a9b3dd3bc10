"""Parity: real clips with the numbers that were expected of them where the bundle was made."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from silencio.errors import BundleIntegrityError


@dataclass(frozen=True)
class ParityClip:
    """One clip.

    Attributes:
        recording_id: Recording that it comes from.
        encoded: The recording's own bytes.
        log_mel: float32, shape (n_windows, n_mels, n_frames).
        waveform: int16, shape (n_windows, window_samples).
        probabilities: float32, shape (n_windows, n_classes).
    """

    recording_id: str
    encoded: bytes
    log_mel: NDArray[np.float32]
    waveform: NDArray[np.int16]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True)
class Parity:
    """What parity.npz holds.

    Attributes:
        spec_sha256: SHA-256 of the definition that made the features.
        codes: Species codes of the outputs, in order.
        clips: Parity clips, at least one.
    """

    spec_sha256: str
    codes: tuple[str, ...]
    clips: tuple[ParityClip, ...]

    def save(self, path: Path) -> None:
        """Write parity.npz."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for i, clip in enumerate(self.clips):
            arrays[f"{i}:encoded"] = np.frombuffer(clip.encoded, np.uint8)
            arrays[f"{i}:log_mel"] = clip.log_mel
            arrays[f"{i}:waveform"] = clip.waveform
            arrays[f"{i}:probabilities"] = clip.probabilities
        facts = {
            "spec_sha256": self.spec_sha256,
            "codes": list(self.codes),
            "recording_ids": [clip.recording_id for clip in self.clips],
        }
        arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # the stub wants a bool among the arrays

    @classmethod
    def load(cls, path: Path) -> Parity:
        """Read parity.npz.

        Raises:
            BundleIntegrityError: It is not one.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                facts = json.loads(arrays["facts"].tobytes())
                clips = tuple(
                    ParityClip(
                        recording_id=recording_id,
                        encoded=arrays[f"{i}:encoded"].tobytes(),
                        log_mel=arrays[f"{i}:log_mel"],
                        waveform=arrays[f"{i}:waveform"],
                        probabilities=arrays[f"{i}:probabilities"],
                    )
                    for i, recording_id in enumerate(facts["recording_ids"])
                )
                return cls(facts["spec_sha256"], tuple(facts["codes"]), clips)
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise BundleIntegrityError(f"{path.name} is not what export writes: {error}") from error
