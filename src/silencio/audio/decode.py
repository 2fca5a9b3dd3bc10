"""Bytes or a file to mono samples, by libsndfile, block by block: the one reader for every way in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from silencio.audio.limits import MIN_AUDIO_S
from silencio.audio.notes import ReadingNote
from silencio.audio.recording import Recording, Truncated
from silencio.audio.resample import resample, resampled
from silencio.audio.waveform import quantize
from silencio.errors import DecodeError


@dataclass(frozen=True)
class DecodedAudio:
    """Mono audio at the rate at which it was recorded.

    Attributes:
        samples: float32, shape (n_samples,), nominally within [-1, 1].
        sample_rate_hz: Samples a second.
        notes: What was not as it should be, and was read all the same.
    """

    samples: NDArray[np.float32]
    sample_rate_hz: int
    notes: tuple[ReadingNote, ...] = ()

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
        n_channels: Channels of the file.
        container: libsndfile's name of the format: OGG, WAV, FLAC, MP3.
        notes: What was not as it should be, and was read all the same.
    """

    samples: NDArray[np.int16]
    n_recorded: int
    recorded_hz: int
    n_channels: int
    container: str
    notes: tuple[ReadingNote, ...] = ()


def decode(source: bytes | Path, *, max_duration_s: float | None = None, truncated: Truncated = "note") -> DecodedAudio:
    """Decode a recording at its own rate.

    Args:
        source: The encoded bytes, or the file that holds them.
        max_duration_s: Refuse what is longer, before more than that was decoded.
        truncated: What becomes of a file that ends before its recording does.

    Raises:
        DecodeError: Nothing there, not audio, no samples, samples that are no numbers, too long, or truncated.
    """
    with Recording(source, max_duration_s=max_duration_s, truncated=truncated) as recording:
        parts: list[NDArray[np.float32]] = []
        for part in recording.parts():
            samples = np.concatenate([np.empty(0, np.float32), *part.blocks])
            # Joined recordings of other rates follow the first one's.
            parts.append(resample(samples, part.sample_rate_hz, recording.sample_rate_hz))
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return DecodedAudio(whole, recording.sample_rate_hz, tuple(recording.notes))


def read_waveform(
    source: bytes | Path,
    sample_rate_hz: int,
    *,
    min_duration_s: float = 0.0,
    max_duration_s: float | None = None,
    truncated: Truncated = "note",
) -> Waveform:
    """Decode, mix to mono, resample and quantize, to the last bit as `decode`, `resample` and `quantize` in turn.

    What is held is the result and one block, however fast the recorder was and however many channels it had: ten
    minutes of a bat recorder are half a gigabyte of float32.

    Args:
        source: The encoded bytes, or the file that holds them.
        sample_rate_hz: Rate that is wanted.
        min_duration_s: Refuse what is shorter.
        max_duration_s: Refuse what is longer, before more than that was decoded.
        truncated: What becomes of a file that ends before its recording does.

    Raises:
        DecodeError: As `decode`, or too short.
    """
    reader = WaveformReader(
        source,
        sample_rate_hz,
        min_duration_s=min_duration_s,
        max_duration_s=max_duration_s,
        truncated=truncated,
    )
    samples = np.concatenate(list(reader))
    return Waveform(
        samples, reader.n_recorded, reader.recorded_hz, reader.n_channels, reader.container, tuple(reader.notes)
    )


class WaveformReader:
    """A recording as `Waveform`, block by block: nothing but a block is held.

    Args:
        source: The encoded bytes, or the file that holds them.
        sample_rate_hz: Rate that is wanted.
        min_duration_s: Refuse what is shorter.
        max_duration_s: Refuse what is longer, before more than that was decoded.
        truncated: What becomes of a file that ends before its recording does.
        progressed: Called again and again before the first block, where that takes long.

    Attributes:
        n_recorded: As in `Waveform`, and so are the others; final once the blocks are exhausted.
        recorded_hz: The first one's, where recordings of several rates are joined.
        n_channels: Number of channels of the first one.
        container: libsndfile's name of the first one's format.
        notes: What was found so far.
    """

    def __init__(
        self,
        source: bytes | Path,
        sample_rate_hz: int,
        *,
        min_duration_s: float = 0.0,
        max_duration_s: float | None = None,
        truncated: Truncated = "note",
        progressed: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._sample_rate_hz = sample_rate_hz
        self._min_duration_s = min_duration_s
        self._max_duration_s = max_duration_s
        self._truncated: Truncated = truncated
        self._progressed = progressed
        self.n_recorded = self.recorded_hz = self.n_channels = 0
        self.container = ""
        self.notes: list[ReadingNote] = []

    def __iter__(self) -> Iterator[NDArray[np.int16]]:
        """Blocks of int16, each (n_samples,), at least one sample in all; once only.

        Raises:
            DecodeError: As `read_waveform`, before, between or after blocks.
        """
        n_samples = 0
        with Recording(
            self._source,
            max_duration_s=self._max_duration_s,
            truncated=self._truncated,
            progressed=self._progressed,
        ) as recording:
            self.notes = recording.notes
            for part in recording.parts():
                self.recorded_hz, self.n_channels = recording.sample_rate_hz, recording.n_channels
                self.container = recording.container
                for block in resampled(part.blocks, part.sample_rate_hz, self._sample_rate_hz):
                    n_samples += len(block)
                    yield quantize(block)
            self.n_recorded = recording.n_samples
        if not n_samples:
            # Resampling one or two samples may leave none; the recording is still there and gets its window.
            n_samples = 1
            yield np.zeros(1, np.int16)
        check_duration(n_samples / self._sample_rate_hz, self._min_duration_s)


def audio_duration_s(source: bytes | Path) -> float:
    """How long a recording is, by decoding it: headers say anything.

    Raises:
        DecodeError: As `decode`.
    """
    with Recording(source) as recording:
        for part in recording.parts():
            for _ in part.blocks:
                pass
        return recording.duration_s


def check_duration(duration_s: float, min_duration_s: float = MIN_AUDIO_S) -> None:
    """Refuse what is too short to be scored.

    Raises:
        DecodeError: It is too short.
    """
    # A sample or two are lost or won in resampling.
    if duration_s < 0.99 * min_duration_s:
        text = f"the audio is {duration_s:.3g} s long, at least {min_duration_s:g} s is needed"
        raise DecodeError(text, "too_short")
