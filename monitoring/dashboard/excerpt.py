"""Part of a recording: its samples, its windows, and what a bundle predicts for them."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from silencio.audio import WaveformReader
from silencio.bundle import Scorer
from silencio.errors import DecodeError
from silencio.features import FeatureSpec
from silencio.reports.examples import Example, SpeciesPrediction
from silencio.storage import is_local, local_path, read_bytes

_MAX_S = 30.0
_TOP = 3


@dataclass(frozen=True)
class Excerpt:
    """Some windows of a recording.

    Attributes:
        waveform: int16, (n_samples,), at the rate of the features.
        begin_s: Seconds into the recording at which it begins.
        is_end: Whether the recording ends with it.
        recorded_hz: Rate of the recording itself.
        n_channels: Its channels.
        container: Its format.
        notes: What was not as it should be in it, as far as it was read.
    """

    waveform: NDArray[np.int16]
    begin_s: float
    is_end: bool
    recorded_hz: int
    n_channels: int
    container: str
    notes: tuple[str, ...]


def excerpt_s(spec: FeatureSpec) -> float:
    """Length of an excerpt: as many whole windows as half a minute holds, and one at least."""
    n_more = max(0, int((_MAX_S - spec.window_s) / spec.hop_s + 1e-9))
    return spec.window_s + n_more * spec.hop_s


def read_excerpt(uri: str, spec: FeatureSpec, begin_s: float = 0.0) -> Excerpt:
    """Decode as far as the excerpt goes: of a day of sound, half a minute is held.

    Args:
        uri: Where the recording is.
        spec: Rate and windows.
        begin_s: Seconds into the recording; brought to the beginning of a window.

    Raises:
        DecodeError: It is no audio that can be used, or ends before.
        StorageError: It cannot be read.
    """
    reader = WaveformReader(_source(uri), spec.sample_rate_hz)
    begin = int(begin_s / spec.hop_s + 1e-9) * spec.hop_samples
    end = begin + round(excerpt_s(spec) * spec.sample_rate_hz)
    parts, n_read, is_end = [], 0, True
    for block in reader:
        parts.append(block[max(0, begin - n_read) : max(0, end - n_read)])
        n_read += len(block)
        if n_read > end:
            is_end = False
            break
    waveform = np.concatenate(parts)
    if not len(waveform):
        raise DecodeError(f"the recording ends after {n_read / spec.sample_rate_hz:.1f} s: choose an earlier second")
    notes = tuple(note.text for note in reader.notes)
    begins_s = begin / spec.sample_rate_hz
    return Excerpt(waveform, begins_s, is_end, reader.recorded_hz, reader.n_channels, reader.container, notes)


def _source(uri: str) -> bytes | Path:
    return local_path(uri) if is_local(uri) else read_bytes(uri)


def wav_of(excerpt: Excerpt, spec: FeatureSpec) -> bytes:
    """The excerpt as the model takes it in: mono, 16 bits, at the rate of the features."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(spec.sample_rate_hz)
        sound.writeframes(excerpt.waveform.astype("<i2").tobytes())
    return file.getvalue()


def example_of(excerpt: Excerpt, code: str, scorer: Scorer) -> Example:
    """The excerpt with what a bundle predicts for its windows.

    Args:
        excerpt: Part of a recording.
        code: Its label; empty where it has none.
        scorer: The bundle.
    """
    classes, rate_hz = scorer.bundle.manifest.classes, scorer.front_end.spec.sample_rate_hz
    scored = scorer.score_blocks([excerpt.waveform])
    means = scored.probabilities.mean(axis=0)
    columns = [int(column) for column in np.argsort(-means, kind="stable")[:_TOP]]
    if code in classes.index and classes.index[code] not in columns:
        columns.append(classes.index[code])
    predicted = classes.codes[columns[0]]
    return Example(
        answer={
            "primary_label": code or "an unknown animal",
            "predicted": predicted,
            "probability": float(means[columns[0]]),
        },
        waveform=excerpt.waveform,
        begin_s=excerpt.begin_s,
        duration_s=len(excerpt.waveform) / rate_hz,
        starts_s=tuple(excerpt.begin_s + start_s for start_s in scored.starts_s),
        predicted=tuple(
            SpeciesPrediction(classes.codes[column], float(means[column]), scored.probabilities[:, column])
            for column in columns
        ),
    )


def window_table(example: Example, scorer: Scorer) -> pd.DataFrame:
    """One row a window and species, by time: seconds, names, `probability`, `passes_threshold`."""
    manifest = scorer.bundle.manifest
    rows = []
    for number, start_s in enumerate(example.starts_s):
        for one in example.predicted:
            species = manifest.classes[manifest.classes.index[one.code]]
            probability = float(one.windows[number])
            end_s = start_s + manifest.spec.window_s
            passes = probability >= manifest.thresholds[one.code]
            rows.append((start_s, end_s, one.code, species.common_name, probability, passes))
    return pd.DataFrame(rows, columns=["start_s", "end_s", "code", "common_name", "probability", "passes_threshold"])
