"""Memory of `predict --bundle` and of `batch_score` with one worker on long recordings."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.bundles import identity, measured_bundle
from benchmarks.process_memory import Memory, run_measured
from benchmarks.result import Result
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.steps import batch_score, list_archive

_RATE_HZ = 48_000
_DURATION_S = 7_200
_TARGET_MB = 700.0


def write_noise(path: Path, duration_s: int, noisy_s: int = 1) -> Path:
    """A mono recording at 48 kHz in 16 bits, by the second: memory of its own would be measured.

    Args:
        path: `.wav` or `.flac`.
        duration_s: How long it is.
        noisy_s: Every how many seconds there is a second of noise; the others are silent.
    """
    noise = (2_000 * np.random.default_rng(0).standard_normal(_RATE_HZ)).astype(np.int16)
    silence = np.zeros_like(noise)
    with soundfile.SoundFile(path, "w", _RATE_HZ, 1, subtype="PCM_16") as file:
        for second in range(duration_s):
            file.write(silence if second % noisy_s else noise)
    return path


def predict(bundle: Path, recording: Path) -> Memory:
    """Of `silencio predict`."""
    arguments = ["predict", str(recording), "--bundle", str(bundle), "--format", "json", "--top-k", "1"]
    return run_measured([sys.executable, "-m", "silencio", *arguments])


def batch(bundle: Path, archive: Path, work: Path) -> Memory:
    """Of the step `batch_score` with one worker, on a folder."""
    arguments = ["--bundle", str(bundle), "--archive", str(archive), "--work", str(work)]
    return run_measured([sys.executable, "-m", "benchmarks.memory", *arguments])


def run(quick: bool) -> list[Result]:
    """Two hours of WAV, of FLAC, and both as an archive."""
    duration_s = 60 if quick else _DURATION_S
    with tempfile.TemporaryDirectory(prefix="silencio-memory-") as temporary:
        folder = Path(temporary)
        bundle = write_placeholder_bundle(folder / "bundle") if quick else measured_bundle(folder)
        of_bundle = identity(bundle)
        archive = folder / "archive"
        archive.mkdir()
        wav, flac = (write_noise(archive / f"long.{suffix}", duration_s) for suffix in ("wav", "flac"))
        measured = {
            "predict --bundle, WAV": predict(bundle, wav),
            "predict --bundle, FLAC": predict(bundle, flac),
            "batch_score, one worker, WAV and FLAC": batch(bundle, archive, folder / "work"),
        }
    return [
        replace(result(what, memory, duration_s, _TARGET_MB), bundle=of_bundle) for what, memory in measured.items()
    ]


def result(what: str, memory: Memory, duration_s: int, target_mb: float) -> Result:
    """As the table has it."""
    return Result(
        what=f"memory of {what}: {duration_s / 3600:.3g} h of 48 kHz",
        value=memory.peak_pss_bytes / 1e6,
        unit="MB",
        target=target_mb,
        at_least=False,
        ours=f"{len(memory.peak_processes)} processes, PSS",
        reference=f"the waveform: {duration_s * _RATE_HZ * 2 / 1e6:.0f} MB",
        details=vars(memory),
    )


def main() -> None:
    """Score an archive with one worker, to be measured from outside."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=main.__doc__)
    for name in ("bundle", "archive", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    listed = list_archive.Outputs(options.work / "archive.parquet")
    list_archive.run(list_archive.Inputs(str(options.archive), n_shards=1), listed)
    inputs = batch_score.Inputs(listed.archive, 0, str(options.bundle), n_processes=1)
    metrics = batch_score.run(inputs, batch_score.Outputs(options.work / "scores"))
    if metrics.get("failed"):
        sys.exit(f"{metrics['failed']} recordings failed")


if __name__ == "__main__":
    main()
