"""From a recording's bytes to the features of its windows: what a decoder does for the endpoint."""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from silencio.audio import (
    BAND_STATISTICS,
    N_BANDS,
    WINDOW_STATISTICS,
    ReadingNote,
    Truncated,
    Waveform,
    n_windows,
    read_waveform,
)
from silencio.decoding.answers import Answer
from silencio.errors import UntrustedAnswerError
from silencio.features import FeatureSpec, FrontEnd, WindowStatistics

_STATISTIC = "statistic:"
# By the name of their array, the shape that each has of a window.
_STATISTICS = {_STATISTIC + name: (N_BANDS,) if name in BAND_STATISTICS else () for name in WINDOW_STATISTICS}
# Besides its inputs a window has a start and a few statistics.
_WINDOW_FACTS_BYTES = 8 * (1 + sum(math.prod(shape) for shape in _STATISTICS.values()))
_SHA256 = re.compile(r"[0-9a-f]{64}")
_front_end: FrontEnd
_window_statistics: WindowStatistics


@dataclass(frozen=True)
class DecodeJob:
    """One recording.

    Attributes:
        encoded: The recording's bytes.
        inputs: Those of `waveform` and `log_mel` that the graph takes.
        min_duration_s: Shorter ones are refused.
        max_duration_s: Longer ones are refused.
        truncated: What becomes of a file that ends before its recording does.
    """

    encoded: bytes
    inputs: tuple[str, ...]
    min_duration_s: float
    max_duration_s: float
    truncated: Truncated = "note"


@dataclass(frozen=True)
class SourceFacts:
    """A recording as it came.

    Attributes:
        n_samples: Number of samples a channel.
        sample_rate_hz: Rate at which it was recorded.
        container: OGG, WAV, FLAC, MP3.
        sha256: SHA-256 of its bytes.
        waveform_sha256: SHA-256 of its sound: the int16 samples at the specification's rate, as shards have it.
    """

    n_samples: int
    sample_rate_hz: int
    container: str
    sha256: str
    waveform_sha256: str


@dataclass(frozen=True)
class RecordingFeatures:
    """What a decoder found in a recording.

    Attributes:
        starts_s: The second at which each window begins.
        duration_s: Length of the recording.
        inputs: Wanted features by name, each (n_windows, …).
        statistics: Statistics of the windows, as `silencio.features.WindowStatistics` gives them: all, or where a
            device sent features those of the spectrum.
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

    @property
    def n_bytes(self) -> int:
        """Of its arrays, and of what is known of its windows."""
        return sum(array.nbytes for array in self.inputs.values()) + self.n_windows * _WINDOW_FACTS_BYTES


def max_feature_bytes(spec: FeatureSpec, inputs: Sequence[str], duration_s: float) -> int:
    """What the features of a recording take that is no longer.

    Args:
        spec: What is followed.
        inputs: Those of `waveform` and `log_mel` that are wanted.
        duration_s: Length of the recording.
    """
    n_mels, n_frames = spec.log_mel_shape
    input_bytes = {"waveform": 2 * spec.window_samples, "log_mel": 4 * n_mels * n_frames}
    window_bytes = sum(input_bytes[name] for name in inputs) + _WINDOW_FACTS_BYTES
    return _max_windows(spec, duration_s) * window_bytes


def _max_windows(spec: FeatureSpec, duration_s: float) -> int:
    # A sample or two are won in resampling.
    return n_windows(int(duration_s * spec.sample_rate_hz) + 2, spec)


def begin(spec: FeatureSpec) -> None:
    """Make the process ready."""
    global _front_end, _window_statistics
    _front_end, _window_statistics = FrontEnd(spec), WindowStatistics(spec)


def decode(job: DecodeJob) -> Answer:
    """Decode, check, featurize; `recording_features` reads the answer.

    Raises:
        DecodeError: The bytes are no recording that is taken; the message says why.
    """
    begun_s = time.perf_counter()
    waveform = _read(job)
    decoded_s = time.perf_counter()
    features = _front_end.features(waveform.samples, log_mel="log_mel" in job.inputs)
    featurized_s = time.perf_counter()
    rate_hz = _front_end.spec.sample_rate_hz
    windows, log_mel = np.asarray(features.inputs["waveform"], np.int16), features.inputs.get("log_mel")
    statistics = _window_statistics(windows, None if log_mel is None else np.asarray(log_mel, np.float32))
    facts: dict[str, JsonValue] = {
        "duration_s": len(waveform.samples) / rate_hz,
        "n_recorded": waveform.n_recorded,
        "recorded_hz": waveform.recorded_hz,
        "container": waveform.container,
        "sha256": hashlib.sha256(job.encoded).hexdigest(),
        "waveform_sha256": hashlib.sha256(waveform.samples.data).hexdigest(),
        "decode_s": decoded_s - begun_s,
        "features_s": featurized_s - decoded_s,
        "notes": notes_fact(waveform.notes),
    }
    arrays = {
        "starts_s": np.asarray(features.starts_s),
        **{name: features.inputs[name] for name in job.inputs},
        **{_STATISTIC + name: values for name, values in statistics.items()},
    }
    return Answer(facts, arrays)


def recording_features(answer: Answer, job: DecodeJob, spec: FeatureSpec) -> RecordingFeatures:
    """What `decode` answered, held against its job.

    Raises:
        UntrustedAnswerError: It is the answer to no such job.
    """
    facts, arrays = answer.facts, answer.arrays
    n_windows = len(arrays.get("starts_s", ()))
    if n_windows > _max_windows(spec, job.max_duration_s):
        raise UntrustedAnswerError(f"{n_windows} windows are more than {job.max_duration_s:g} s hold")
    wanted = {"waveform": (np.int16, (spec.window_samples,)), "log_mel": (np.float32, spec.log_mel_shape)}
    shapes = {name: wanted[name] for name in job.inputs}
    for name, array in arrays.items():
        dtype, shape = shapes.get(name) or (np.float64, _STATISTICS.get(name, ()))
        if array.dtype != dtype or array.shape != (n_windows, *shape):
            raise UntrustedAnswerError(f"{name} is {array.dtype} {array.shape} for {n_windows} windows")
    if n_windows == 0 or arrays.keys() != {"starts_s", *job.inputs, *_STATISTICS}:
        raise UntrustedAnswerError(f"the answer has {', '.join(arrays)} for {n_windows} windows")
    statistics = {name.removeprefix(_STATISTIC): np.asarray(arrays[name], np.float64) for name in sorted(_STATISTICS)}
    return RecordingFeatures(
        starts_s=np.asarray(arrays["starts_s"], np.float64).tolist(),
        duration_s=_number(facts, "duration_s"),
        inputs={name: arrays[name] for name in job.inputs},
        statistics=statistics,
        source=SourceFacts(
            int(_number(facts, "n_recorded")),
            int(_number(facts, "recorded_hz")),
            str(facts.get("container"))[:32],
            _sha256(facts, "sha256"),
            _sha256(facts, "waveform_sha256"),
        ),
        decode_s=_number(facts, "decode_s"),
        features_s=_number(facts, "features_s"),
        notes=notes_of(answer),
    )


def notes_fact(notes: Sequence[ReadingNote]) -> JsonValue:
    """As an `Answer` takes them; `notes_of` reads them."""
    return [[note.kind, note.text] for note in notes]


def notes_of(answer: Answer) -> tuple[ReadingNote, ...]:
    """What `notes_fact` wrote.

    Raises:
        UntrustedAnswerError: It did not write this.
    """
    facts = answer.facts.get("notes")
    if not isinstance(facts, list):
        raise UntrustedAnswerError(f"notes are {facts!r}")
    notes = []
    for fact in facts:
        if not isinstance(fact, list) or [type(part) for part in fact] != [str, str]:
            raise UntrustedAnswerError(f"{fact!r} is no note")
        notes.append(ReadingNote(str(fact[0]), str(fact[1])))
    return tuple(notes)


def _number(facts: Mapping[str, object], name: str) -> float:
    value = facts.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise UntrustedAnswerError(f"{name} is {value!r}")
    return value


def _sha256(facts: Mapping[str, object], name: str) -> str:
    value = facts.get(name)
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise UntrustedAnswerError(f"{name} is {value!r}")
    return value


def _read(job: DecodeJob) -> Waveform:
    return read_waveform(
        job.encoded,
        _front_end.spec.sample_rate_hz,
        min_duration_s=job.min_duration_s,
        max_duration_s=job.max_duration_s,
        truncated=job.truncated,
    )
