"""Bytes or a file to mono samples, by libsndfile."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from silencio.errors import DecodeError

# A decoder that is asked for everything at once trusts the header's frame count, which an attacker writes.
_BLOCK_FRAMES = 1 << 16
# The fastest recorders for bats. A header may claim any rate, and its samples would all be decoded and resampled.
_MOST_HZ = 384_000


@dataclass(frozen=True)
class DecodedAudio:
    """Mono audio at the rate at which it was recorded.

    Attributes:
        samples: float32, shape (n_samples,), nominally within [-1, 1].
        sample_rate_hz: Samples a second.
    """

    samples: NDArray[np.float32]
    sample_rate_hz: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate_hz


def decode(source: bytes | Path, *, max_duration_s: float | None = None) -> DecodedAudio:
    """Decode OGG, WAV, FLAC or MP3; channels are averaged.

    Args:
        source: The encoded bytes, or the file that holds them.
        max_duration_s: Refuse what is longer, before more than that was decoded.

    Raises:
        DecodeError: Nothing there, not audio, no samples, samples that are no numbers, or too long.
    """
    if isinstance(source, Path):
        try:
            source = source.read_bytes()
        except OSError as error:
            raise DecodeError(f"the file cannot be read: {error.strerror or error}") from error
    if not source:
        raise DecodeError("the file is empty (0 bytes)")
    try:
        with soundfile.SoundFile(io.BytesIO(source)) as sound:
            rate_hz = int(sound.samplerate)
            if not 1 <= rate_hz <= _MOST_HZ:
                raise DecodeError(f"the audio has {rate_hz} samples a second, the most that is taken is {_MOST_HZ}")
            samples = _read_mono(sound, rate_hz, max_duration_s)
    except soundfile.LibsndfileError as error:
        raise DecodeError(f"not audio that can be decoded ({len(source)} bytes): {error.error_string}") from error
    if len(samples) == 0:
        raise DecodeError("the audio holds no samples")
    if not np.isfinite(samples).all():
        raise DecodeError("the audio holds samples that are not finite numbers")
    return DecodedAudio(samples, rate_hz)


def _read_mono(sound: soundfile.SoundFile, rate_hz: int, max_duration_s: float | None) -> NDArray[np.float32]:
    most_frames = None if max_duration_s is None else int(max_duration_s * rate_hz)
    blocks: list[NDArray[np.float32]] = []
    n_frames = 0
    while len(block := sound.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
        n_frames += len(block)
        if most_frames is not None and n_frames > most_frames:
            raise DecodeError(f"the audio is longer than {max_duration_s:g} s, the most that is taken")
        blocks.append(block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32))
    return np.concatenate(blocks) if blocks else np.empty(0, np.float32)
