"""What a bundle costs to run: times real time and bytes, of several bundles side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from silencio.bundle.load import Bundle
from silencio.bundle.manifest import GRAPH
from silencio.features import FrontEnd
from silencio.storage import read_bytes

# Enough sound for a stable ratio, little enough for every run.
_MAX_RECORDINGS = 6
_REPEATS = 3


@dataclass(frozen=True)
class BundleCosts:
    """What one bundle costs.

    Attributes:
        times_real_time: Seconds of sound scored in one second on one thread: decoding, features, encoders and graph.
        graph_bytes: Bytes of `model.onnx`.
        bundle_bytes: Bytes of all files, encoders included.
        n_timed: How many recordings the time was taken on.
        audio_s: Length of these recordings.
    """

    times_real_time: float
    graph_bytes: int
    bundle_bytes: int
    n_timed: int
    audio_s: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def measure_costs(bundles: Mapping[str, Path], recordings: Sequence[bytes]) -> dict[str, BundleCosts]:
    """Measure bundles on the same recordings, in turns, so that a busy moment of the machine is everybody's.

    Of each recording the shortest of three times counts, after one that warms up.

    Args:
        bundles: Folders by name.
        recordings: Encoded audio.

    Raises:
        BundleError: A bundle is not what was exported.
        DecodeError: A recording is no audio that can be used.
    """
    runners = {name: _Runner(Bundle(directory)) for name, directory in bundles.items()}
    best_s = dict.fromkeys(runners, 0.0)
    audio_s = dict.fromkeys(runners, 0.0)
    for recording in recordings:
        times_s: dict[str, list[float]] = {name: [] for name in runners}
        for repeat in range(_REPEATS + 1):
            for name, runner in runners.items():
                began = time.perf_counter()
                duration_s = runner.run(recording)
                times_s[name].append(time.perf_counter() - began)
                audio_s[name] += duration_s if repeat == 0 else 0.0
        for name, times in times_s.items():
            best_s[name] += min(times[1:])
    return {
        name: BundleCosts(
            times_real_time=audio_s[name] / best_s[name] if recordings else float("nan"),
            graph_bytes=(directory / GRAPH).stat().st_size,
            bundle_bytes=sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()),
            n_timed=len(recordings),
            audio_s=audio_s[name],
        )
        for name, directory in bundles.items()
    }


def example_recordings(data: pd.DataFrame) -> list[bytes]:
    """A few validation recordings as they were uploaded, from all over the list; the test set is for evaluation.

    Where none were held out, any: they are timed, not evaluated.

    Args:
        data: What a bundle was made from (`data.parquet`), with `path` and `split`.

    Raises:
        StorageError: Their place does not answer.
    """
    held_out = data["split"] == "validation"
    paths = [str(path) for path in data.loc[held_out if held_out.any() else data["split"] == "train", "path"]]
    n = min(_MAX_RECORDINGS, len(paths))
    return [read_bytes(paths[number * len(paths) // n]) for number in range(n)]


class _Runner:
    """A bundle on one thread; a log-mel is computed where the graph takes it."""

    def __init__(self, bundle: Bundle) -> None:
        self._front_end = FrontEnd(bundle.manifest.spec)
        self._graph = bundle.graph(1)
        self._log_mel = any(entry.name == "log_mel" for entry in self._graph.inputs)

    def run(self, recording: bytes) -> float:
        """From bytes to probabilities; the seconds of sound."""
        waveform = self._front_end.waveform(recording)
        self._graph.run(self._front_end.features(waveform, log_mel=self._log_mel).inputs)
        return len(waveform) / self._front_end.spec.sample_rate_hz
