"""A process that has done nothing yet: seconds from the first import to the log-mel of one window, as JSON."""

from __future__ import annotations

import json
import sys
import time


def ours() -> None:
    """By Silencio."""
    import numpy as np

    from silencio.features import FeatureSpec, LogMel

    spec = FeatureSpec()
    LogMel(spec)(np.ones((1, spec.window_samples), np.int16))


def librosa() -> None:
    """By librosa, with the same numbers (`silencio.features.FeatureSpec`) written out: none of ours is imported."""
    import librosa
    import numpy as np

    samples = np.full(160_000, 1 / 32768, np.float32)
    mel = librosa.feature.melspectrogram(
        y=samples, sr=32_000, n_fft=2048, hop_length=512, n_mels=128, fmin=50.0, fmax=16_000.0
    )
    librosa.power_to_db(mel, top_db=None)


if __name__ == "__main__":
    began_s = time.perf_counter()
    {"ours": ours, "librosa": librosa}[sys.argv[1]]()
    sys.stdout.write(json.dumps(time.perf_counter() - began_s))
