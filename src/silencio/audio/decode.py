"""Bytes or a file to mono samples, by libsndfile, block by block."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from silencio.audio.notes import ReadingNote
from silencio.audio.resample import resampled
from silencio.audio.waveform import quantize
from silencio.errors import DecodeError

# A decoder that is asked for everything at once trusts the header's frame count, which an attacker writes.
# A block holds this many samples of all channels together.
_BLOCK_SAMPLES = 1 << 16
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


@dataclass(frozen=True)
class Waveform:
    """Mono audio at the rate that was asked for.

    Attributes:
        samples: int16, shape (n_samples,); at least one.
        n_recorded: Samples a channel, as recorded.
        recorded_hz: Rate at which it was recorded.
        n_channels: Channels that were averaged.
        container: libsndfile's name of the format: OGG, WAV, FLAC, MP3.
        notes: What was not as it should be, and was read all the same.
    """

    samples: NDArray[np.int16]
    n_recorded: int
    recorded_hz: int
    n_channels: int
    container: str
    notes: tuple[ReadingNote, ...] = ()


def decode(source: bytes | Path, *, max_duration_s: float | None = None) -> DecodedAudio:
    """Decode OGG, WAV, FLAC or MP3; channels are averaged.

    Args:
        source: The encoded bytes, or the file that holds them.
        max_duration_s: Refuse what is longer, before more than that was decoded.

    Raises:
        DecodeError: Nothing there, not audio, no samples, samples that are no numbers, or too long.
    """
    with _opened(source) as sound:
        blocks = list(_mono_blocks(sound, max_duration_s))
        return DecodedAudio(np.concatenate(blocks), int(sound.samplerate))


def read_waveform(source: bytes | Path, sample_rate_hz: int, *, max_duration_s: float | None = None) -> Waveform:
    """Decode, mix to mono, resample and quantize, to the last bit as `decode`, `resample` and `quantize` in turn.

    What is held is the result and one block, however fast the recorder was and however many channels it had: ten
    minutes of a bat recorder are half a gigabyte of float32.

    Args:
        source: The encoded bytes, or the file that holds them.
        sample_rate_hz: Rate that is wanted.
        max_duration_s: Refuse what is longer, before more than that was decoded.

    Raises:
        DecodeError: As `decode`.
    """
    reader = WaveformReader(source, sample_rate_hz, max_duration_s=max_duration_s)
    samples = np.concatenate(list(reader))
    return Waveform(
        samples, reader.n_recorded, reader.recorded_hz, reader.n_channels, reader.container, tuple(reader.notes)
    )


class WaveformReader:
    """A recording as `Waveform`, block by block: nothing but a block is held.

    Args:
        source: The encoded bytes, or the file that holds them.
        sample_rate_hz: Rate that is wanted.
        max_duration_s: Refuse what is longer, before more than that was decoded.

    Attributes:
        n_recorded: As in `Waveform`, and so are the others; final once the blocks are exhausted.
        recorded_hz: Likewise.
        n_channels: Likewise.
        container: Likewise.
        notes: Likewise.
    """

    def __init__(self, source: bytes | Path, sample_rate_hz: int, *, max_duration_s: float | None = None) -> None:
        self._source = source
        self._sample_rate_hz = sample_rate_hz
        self._max_duration_s = max_duration_s
        self.n_recorded = self.recorded_hz = self.n_channels = 0
        self.container = ""
        self.notes: list[ReadingNote] = []

    def __iter__(self) -> Iterator[NDArray[np.int16]]:
        """Blocks of int16, each (n_samples,), at least one sample in all; once only.

        Raises:
            DecodeError: As `decode`, before, between or after blocks.
        """
        n_samples = 0
        with _opened(self._source) as sound:
            self.recorded_hz, self.n_channels = int(sound.samplerate), int(sound.channels)
            self.container = str(sound.format)
            for block in resampled(self._counted(sound), self.recorded_hz, self._sample_rate_hz):
                n_samples += len(block)
                yield quantize(block)
        if not n_samples:
            # Resampling one or two samples may leave none; the recording is still there and gets its window.
            yield np.zeros(1, np.int16)

    def _counted(self, sound: soundfile.SoundFile) -> Iterator[NDArray[np.float32]]:
        for block in _mono_blocks(sound, self._max_duration_s):
            self.n_recorded += len(block)
            yield block


@contextmanager
def _opened(source: bytes | Path) -> Iterator[soundfile.SoundFile]:
    if isinstance(source, Path):
        try:
            source = source.read_bytes()
        except OSError as error:
            raise DecodeError(f"the file cannot be read: {error.strerror or error}") from error
    if not source:
        raise DecodeError("the file is empty (0 bytes)", "empty")
    try:
        with soundfile.SoundFile(io.BytesIO(source)) as sound:
            if not 1 <= sound.samplerate <= _MOST_HZ:
                raise DecodeError(
                    f"the audio has {sound.samplerate} samples a second, the most that is taken is {_MOST_HZ}"
                )
            yield sound
    except soundfile.LibsndfileError as error:
        text = f"not audio that can be decoded ({len(source)} bytes): {error.error_string}"
        raise DecodeError(text, "not_audio") from error


def _mono_blocks(sound: soundfile.SoundFile, max_duration_s: float | None) -> Iterator[NDArray[np.float32]]:
    """At least one block; its header may claim any length, so what comes is counted."""
    most_frames = None if max_duration_s is None else int(max_duration_s * sound.samplerate)
    block_frames = max(1, _BLOCK_SAMPLES // sound.channels)
    n_frames = 0
    while len(block := sound.read(block_frames, dtype="float32", always_2d=True)):
        n_frames += len(block)
        if most_frames is not None and n_frames > most_frames:
            raise DecodeError(f"the audio is longer than {max_duration_s:g} s, the most that is taken", "too_long")
        if not np.isfinite(block).all():
            raise DecodeError("the audio holds samples that are not finite numbers", "not_finite")
        yield block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
    if n_frames == 0:
        raise DecodeError("the audio holds no samples", "no_samples")
