"""What one of the processes does."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.audio import ReadingNote, Truncated, Waveform, audio_statistics, read_waveform
from silencio.features import FeatureSpec, FrontEnd

# An Ogg file of 10 minutes decodes in half a second. A process that asks for more memory than this is being attacked.
_MOST_MEMORY_BYTES = 4 << 30
_WINDOWS_AT_ONCE = 8
_front_end: FrontEnd


@dataclass(frozen=True)
class Work:
    """One recording.

    Attributes:
        encoded: Its bytes.
        needed: Which of `waveform` and `log_mel` the graph takes.
        least_audio_s: Shorter ones are refused.
        most_audio_s: Longer ones are refused.
        truncated: What becomes of a file that ends before its recording does.
    """

    encoded: bytes
    needed: tuple[str, ...]
    least_audio_s: float
    most_audio_s: float
    truncated: Truncated = "note"


@dataclass(frozen=True)
class SourceFacts:
    """A recording as it came.

    Attributes:
        n_samples: A channel.
        sample_rate_hz: Rate at which it was recorded.
        container: OGG, WAV, FLAC, MP3.
    """

    n_samples: int
    sample_rate_hz: int
    container: str


@dataclass(frozen=True)
class HeardRecording:
    """What a process found.

    Attributes:
        starts_s: The second at which each window begins.
        duration_s: Of the recording.
        inputs: By name, each (n_windows, …): what was needed.
        statistics: Of the windows, each (n_windows,), by `silencio.audio.audio_statistics`.
        source: What it was; None where a device sent features.
        notes: What was odd about its file or its sound.
        decode_s: Seconds from bytes to waveform.
        features_s: Seconds from waveform to inputs.
    """

    starts_s: list[float]
    duration_s: float
    inputs: dict[str, NDArray[np.generic]]
    statistics: dict[str, NDArray[np.float64]]
    source: SourceFacts | None
    decode_s: float
    features_s: float
    notes: tuple[ReadingNote, ...] = ()

    @property
    def n_windows(self) -> int:
        return len(self.starts_s)


def begin(spec: FeatureSpec, niceness: int) -> None:
    """Make the process ready: called once, before its first recording."""
    global _front_end
    os.nice(niceness)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))
    # A crash is expected here and says nothing that its request does not say: no core files.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _front_end = FrontEnd(spec)


def hear(work: Work) -> HeardRecording:
    """Decode, check, featurize.

    Raises:
        DecodeError: The bytes are no recording that is taken; the message says why.
    """
    begun_s = time.perf_counter()
    waveform = _read(work)
    decoded_s = time.perf_counter()
    features = _front_end.features(waveform.samples, log_mel="log_mel" in work.needed)
    featurized_s = time.perf_counter()
    rate_hz = _front_end.spec.sample_rate_hz
    windows = np.asarray(features.inputs["waveform"], np.int16)
    return HeardRecording(
        starts_s=features.starts_s,
        duration_s=len(waveform.samples) / rate_hz,
        inputs={name: features.inputs[name] for name in work.needed},
        statistics=_statistics(windows, rate_hz),
        source=SourceFacts(waveform.n_recorded, waveform.recorded_hz, waveform.container),
        decode_s=decoded_s - begun_s,
        features_s=featurized_s - decoded_s,
        notes=waveform.notes,
    )


def _read(work: Work) -> Waveform:
    return read_waveform(
        work.encoded,
        _front_end.spec.sample_rate_hz,
        min_duration_s=work.least_audio_s,
        max_duration_s=work.most_audio_s,
        truncated=work.truncated,
    )


def _statistics(windows: NDArray[np.int16], rate_hz: int) -> dict[str, NDArray[np.float64]]:
    """A few windows at a time: all of ten minutes in float64 would be half a gigabyte."""
    parts = [
        audio_statistics(windows[i : i + _WINDOWS_AT_ONCE], rate_hz) for i in range(0, len(windows), _WINDOWS_AT_ONCE)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
