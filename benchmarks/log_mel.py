"""Decode and log-mel against librosa: warm, and as the first call of a fresh process."""

from __future__ import annotations

import tempfile
from pathlib import Path

import librosa
import numpy as np

from benchmarks.recordings import song, write_ogg
from benchmarks.result import Result
from benchmarks.timing import TimeComparison, answer, compare, start
from silencio.audio import dequantize
from silencio.features import FeatureSpec, FrontEnd

_SPEC = FeatureSpec()
_N_WINDOWS = 12


def librosa_log_mel(samples: np.ndarray) -> np.ndarray:
    """The same definition by librosa: float32 (…, n_samples) to decibels (…, n_mels, n_frames)."""
    mel = librosa.feature.melspectrogram(
        y=samples,
        sr=_SPEC.sample_rate_hz,
        n_fft=_SPEC.n_fft,
        hop_length=_SPEC.hop_length,
        n_mels=_SPEC.n_mels,
        fmin=_SPEC.f_min_hz,
        fmax=_SPEC.f_max_hz,
        pad_mode="constant",
    )
    return np.asarray(librosa.power_to_db(mel, ref=1.0, amin=_SPEC.min_power, top_db=None))


def mel_alone(quick: bool) -> Result:
    """Twelve windows, warm, one after another as they come."""
    front_end = FrontEnd(_SPEC)
    windows = front_end.windows(song(_N_WINDOWS * _SPEC.window_s, _SPEC.sample_rate_hz, seed=0))
    samples = dequantize(windows)
    n_turns = 1 if quick else 20
    compared = compare(
        lambda: front_end.log_mel(windows), lambda: [librosa_log_mel(one) for one in samples], n_turns=n_turns
    )
    # librosa makes its filters anew in every call; twelve windows in one call make them once.
    in_one_call = compare(lambda: front_end.log_mel(windows), lambda: librosa_log_mel(samples), n_turns=n_turns)
    return _result("log-mel of twelve 5 s windows", 2.0, compared, {"ratio_to_librosa_in_one_call": in_one_call.ratio})


def decode_and_mel(quick: bool) -> Result:
    """From a minute of OGG to the features of its windows, warm."""
    front_end = FrontEnd(_SPEC)
    duration_s = _SPEC.window_s * (2 if quick else _N_WINDOWS)
    n_turns = 1 if quick else 15

    def load() -> np.ndarray:
        return librosa.load(path, sr=_SPEC.sample_rate_hz)[0]

    def reference() -> list[np.ndarray]:
        return [librosa_log_mel(one) for one in load().reshape(-1, _SPEC.window_samples)]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "minute.ogg"
        write_ogg(path, song(duration_s, _SPEC.sample_rate_hz, seed=0), _SPEC.sample_rate_hz)
        compared = compare(lambda: front_end(path), reference, n_turns=n_turns)
        uncut = compare(lambda: front_end(path), lambda: librosa_log_mel(load()), n_turns=n_turns)
    return _result(
        f"decode and log-mel of {duration_s:.0f} s of OGG",
        1.4,
        compared,
        {"ratio_to_librosa_without_windows": uncut.ratio},
    )


def _result(what: str, target: float, compared: TimeComparison, more: dict[str, float]) -> Result:
    details = compared.details()
    return Result(
        what=what,
        value=compared.ratio,
        unit="times",
        target=target,
        at_least=True,
        ours=f"{1e3 * details['ours_least_s']:.0f} ms",
        reference=f"librosa {1e3 * details['reference_least_s']:.0f} ms",
        details={**details, **more},
    )


def first_call(quick: bool) -> Result:
    """Import and the log-mel of one window, each time in a process that has done nothing before."""
    n_runs = 1 if quick else 3
    runs = [(_fresh("ours"), _fresh("librosa")) for _ in range(n_runs)]
    ours_s, librosa_s = (float(np.median(times)) for times in zip(*runs, strict=True))
    return Result(
        what="first call in a fresh process, imports included",
        value=ours_s,
        unit="s",
        target=1.0,
        at_least=False,
        ours=f"{ours_s:.2f} s",
        reference=f"librosa {librosa_s:.2f} s",
        details={"ours_s": [one for one, _ in runs], "librosa_s": [other for _, other in runs]},
    )


def _fresh(which: str) -> float:
    return float(answer(start("benchmarks.first_call", [which])))


def run(quick: bool) -> list[Result]:
    """All three."""
    return [mel_alone(quick), decode_and_mel(quick), first_call(quick)]
