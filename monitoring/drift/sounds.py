"""Recordings beside a log that keeps none: found in a folder by their sha256."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitoring.drift.explained import WindowExplainer
from silencio.audio import cut_window, read_waveform
from silencio.errors import ConfigError, DecodeError
from silencio.features import FeatureSpec
from silencio.storage import sha256_of

_SHA256 = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
# Beyond these a folder is an archive, of which nobody waits until it is read: there names alone are looked at.
MAX_HASHED_BYTES = 4 << 30
# Of a longer recording no window is cut out: it would be decoded from its beginning.
_MAX_DECODED_S = 600.0


class RecordingFolder:
    """Recordings of a folder, at any depth.

    A name that holds a sha256, as archives of recordings are laid out, is believed; files of other names are read, as
    long as all of them together are at most `MAX_HASHED_BYTES`.

    Args:
        folder: Where they lie.

    Raises:
        ConfigError: There is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigError(f"--recordings {folder}: there is no such folder; leave the option out, or correct it")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        self._by_sha256 = {match[0]: path for path in files if (match := _SHA256.search(path.name))}
        others = [path for path in files if _SHA256.search(path.name) is None]
        if sum(path.stat().st_size for path in others) <= MAX_HASHED_BYTES:
            for path in others:
                self._by_sha256.setdefault(sha256_of(path), path)

    def known(self, wanted: Collection[str]) -> set[str]:
        """Those of some recordings that are here.

        Args:
            wanted: sha256 of the bytes as they came, in hexadecimal digits.
        """
        return self._by_sha256.keys() & set(wanted)

    def window(self, sha256: str, start_s: float, spec: FeatureSpec) -> NDArray[np.int16] | None:
        """A window of a recording; None where it is not here or cannot be decoded.

        Args:
            sha256: Hash of the recording's bytes.
            start_s: Second of the recording at which the window begins.
            spec: How long it is, and at which rate.

        Returns:
            Shape (n_samples,), as long as a window.
        """
        path = self._by_sha256.get(sha256)
        if path is None:
            return None
        try:
            waveform = read_waveform(path, spec.sample_rate_hz, max_duration_s=_MAX_DECODED_S).samples
        except DecodeError:
            return None
        start = round(start_s * spec.sample_rate_hz)
        return cut_window(waveform, start, spec) if start < len(waveform) else None


@dataclass(frozen=True)
class WindowSound:
    """How the sound of a window is found, shown and explained.

    Attributes:
        folder: Recordings.
        spec: How spectrograms are computed.
        explainer: What shows what a prediction rests on; None without a bundle.
    """

    folder: RecordingFolder
    spec: FeatureSpec
    explainer: WindowExplainer | None = None
