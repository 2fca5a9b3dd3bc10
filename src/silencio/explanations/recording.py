"""A recording explained by a bundle: the windows in which a class is most probable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from silencio.audio import WaveformReader
from silencio.bundle.scoring import Scorer
from silencio.errors import ConfigError, DataError
from silencio.explanations.bundle_scores import WindowProbabilities
from silencio.explanations.occlusion import Explanation, explain_window
from silencio.explanations.regions import RegionGrid


@dataclass(frozen=True)
class ExplainedWindow:
    """A window with its explanation.

    Attributes:
        start_s: The second of the recording at which it begins.
        waveform: int16, (window_samples,).
        explanation: What of it the prediction rests on.
    """

    start_s: float
    waveform: NDArray[np.int16]
    explanation: Explanation


@dataclass(frozen=True)
class ExplainedRecording:
    """Windows of a recording in which a class is most probable.

    Attributes:
        code: Code of the class.
        windows: The most probable first.
        n_windows: Windows that the recording has.
        notes: What was not as it should be in it.
    """

    code: str
    windows: tuple[ExplainedWindow, ...]
    n_windows: int
    notes: tuple[str, ...]


def explain_recording(
    scorer: Scorer, source: Path, *, code: str | None = None, n_windows: int = 1, grid: RegionGrid | None = None
) -> ExplainedRecording:
    """Explain the windows in which a class is most probable; of the recording only a few windows are held.

    Args:
        scorer: The bundle.
        source: The encoded recording.
        code: Code of the class; None: the most probable one of the recording.
        n_windows: How many windows at most.
        grid: How a window is divided.

    Raises:
        ConfigError: The bundle has no such class.
        DecodeError: `source` is no audio that can be used.
        DataError: The recording is silent.
    """
    classes, spec = scorer.bundle.manifest.classes, scorer.front_end.spec
    if code is not None and code not in classes.index:
        raise ConfigError(
            f"bundle {scorer.bundle.manifest.version} has no class {code!r}: `silencio bundle inspect "
            f"{scorer.bundle.directory}` lists its {len(classes)}"
        )
    scored = _score(scorer, source)
    if not scored.has_sound.any():
        raise DataError(
            f"{source} is silent in each of its {len(scored.has_sound)} windows: there is nothing to explain"
        )
    # To digital silence, which no animal makes, a model may give any class.
    probabilities = np.where(scored.has_sound[:, None], scored.probabilities, -1.0)
    column = int(probabilities.max(axis=0).argmax()) if code is None else classes.index[code]
    falling = np.argsort(-probabilities[:, column], kind="stable")[: min(n_windows, int(scored.has_sound.sum()))]
    found = _windows(scorer, source, {int(number) for number in falling})
    score = WindowProbabilities(scorer.graph, spec).of_class(column)
    windows = tuple(
        ExplainedWindow(scored.starts_s[number], found[number], explain_window(found[number], spec, score, grid))
        for number in map(int, falling)
    )
    notes = list(scored.notes)
    if scored.duration_s < spec.window_s:
        how = "played again until it fills" if spec.padding == "repeat" else "filled with silence to"
        notes.append(f"the recording of {scored.duration_s:.2f} s is {how} a window of {spec.window_s:g} s")
    return ExplainedRecording(classes.codes[column], windows, len(scored.starts_s), tuple(notes))


@dataclass(frozen=True)
class _Scored:
    """All windows of a recording, without their samples."""

    starts_s: list[float]
    probabilities: NDArray[np.float32]
    has_sound: NDArray[np.bool_]
    duration_s: float
    notes: tuple[str, ...]


def _score(scorer: Scorer, source: Path) -> _Scored:
    reader = WaveformReader(source, scorer.front_end.spec.sample_rate_hz)
    starts_s: list[float] = []
    parts, sounds, n_samples = [], [], 0

    def counted() -> Iterator[NDArray[np.int16]]:
        nonlocal n_samples
        for block in reader:
            n_samples += len(block)
            yield block

    for piece in scorer.front_end.features_of_blocks(counted()):
        starts_s += piece.starts_s
        parts.append(scorer.graph.run(piece.inputs))
        sounds.append(np.ptp(np.asarray(piece.inputs["waveform"], np.int32), axis=1) > 0)
    duration_s = n_samples / scorer.front_end.spec.sample_rate_hz
    notes = tuple(note.text for note in reader.notes)
    return _Scored(starts_s, np.concatenate(parts), np.concatenate(sounds), duration_s, notes)


def _windows(scorer: Scorer, source: Path, wanted: set[int]) -> dict[int, NDArray[np.int16]]:
    """Windows by their number, read once more."""
    reader = WaveformReader(source, scorer.front_end.spec.sample_rate_hz)
    found: dict[int, NDArray[np.int16]] = {}
    first = 0
    for piece in scorer.front_end.features_of_blocks(reader, log_mel=False):
        windows = np.asarray(piece.inputs["waveform"], np.int16)
        found |= {number: windows[number - first].copy() for number in wanted if 0 <= number - first < len(windows)}
        first += len(windows)
        if len(found) == len(wanted):
            break
    return found
