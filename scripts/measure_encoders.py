"""How long encoders take for a window, how large they are, and what they give for a clip.

    measure_encoders.py --clip FILE [--references FOLDER] birdnet yamnet=yamnet.tflite

The time is that of a processor on one thread, so that a busy machine does not tell in it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from silencio.audio import WindowCut, cut_windows, read_waveform
from silencio.command import command, exit_with
from silencio.console import Console
from silencio.encoders import Encoder
from silencio.encoders.config import EncoderConfig
from silencio.encoders.registry import encoder_file, encoder_spec

_RATE_HZ, _WINDOW_SAMPLES = 32_000, 160_000
_N_RUNS = 15


@command
def main() -> int:
    """Returns 0 when every encoder was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, required=True, help="a recording; its first five seconds are used")
    parser.add_argument("--references", type=Path, help="write NAME.npy, at normal and half speed, into this folder")
    parser.add_argument("encoders", nargs="+", metavar="NAME[=FILE]")
    options = parser.parse_args()
    window = cut_windows(read_waveform(options.clip, _RATE_HZ).samples, WindowCut(_WINDOW_SAMPLES, _WINDOW_SAMPLES))[:1]
    for named in options.encoders:
        name, _, weights = named.partition("=")
        path = encoder_file(name, EncoderConfig(weights=weights))
        for speeds in ((1.0,), (1.0, 0.5)):
            spec = encoder_spec(name, EncoderConfig(weights=weights, speeds=speeds))
            encoder, times_ms = Encoder(path, spec, _RATE_HZ, 1), []
            for _ in range(_N_RUNS):
                start = time.process_time()
                embedding = encoder.embed(window)[0]
                times_ms.append(1_000 * (time.process_time() - start))
            size_mb = path.stat().st_size / 1e6
            Console().print(
                f"{name} at {speeds}: {np.median(times_ms):.0f} ms a window, {size_mb:.1f} MB, {spec.n_dimensions}"
            )
        if options.references:
            np.save(options.references / f"{name}.npy", embedding)
    return 0


if __name__ == "__main__":
    exit_with(main)
