"""The step `featurize`: two shards at once on two cores, and memory that does not grow with the recordings."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.recordings import song, write_ogg
from benchmarks.result import Result
from benchmarks.timing import answer, seconds, start
from silencio.config import preset_text, resolve
from silencio.config.parts import part_of

_RATE_HZ = 44_100  # so that resampling is part of the work
_N_FILES = 8
# Recordings of 4 s in a shard of ten minutes, which is what presets plan.
_PER_SHARD = 150


def two_cores(quick: bool) -> Result:
    """Every shard a process of its own, as in a pipeline: one after another, then two at a time."""
    n_shards, per_shard, duration_s = (2, 2, 2.0) if quick else (4, 60, 60.0)
    with tempfile.TemporaryDirectory() as folder:
        shards = tables(Path(folder), n_shards, per_shard, duration_s)
        run_shards(shards[:1], at_once=1)  # files and modules come from the disk's cache from here on
        one_s = seconds(lambda: run_shards(shards, at_once=1))
        two_s = seconds(lambda: run_shards(shards, at_once=2))
        start_up_s = seconds(lambda: run_shards([_nothing_of(shards[0])], at_once=1))
    return Result(
        what=f"featurize of {n_shards} shards, two at once on two cores",
        value=one_s / two_s,
        unit="times",
        target=1.7,
        at_least=True,
        ours=f"{two_s:.1f} s",
        reference=f"one after another {one_s:.1f} s",
        details={"n_shards": n_shards, "recordings_per_shard": per_shard, "start_up_s": start_up_s},
    )


def memory(quick: bool) -> Result:
    """Peak memory of a shard's process in a run of a thousand recordings, and of four thousand.

    Beside it, in the details, what no pipeline plans: all of them in one shard.
    """
    few, many = (10, 40) if quick else (1_000, 4_000)
    with tempfile.TemporaryDirectory() as folder:
        planned, in_one_shard = (
            {
                n_recordings: _peak_mib(Path(folder) / f"{n_recordings}-{per_shard}", n_recordings, per_shard)
                for n_recordings in (few, many)
            }
            for per_shard in (_PER_SHARD, many)
        )
    return Result(
        what=f"peak memory of featurize, {many:,} recordings against {few:,}",
        value=planned[many] / planned[few],
        unit="times",
        target=1.1,
        at_least=False,
        ours=f"{planned[many]:.0f} MiB",
        reference=f"{few:,} recordings {planned[few]:.0f} MiB",
        details={"peak_mib": planned, "peak_mib_in_one_shard": in_one_shard},
    )


def _peak_mib(folder: Path, n_recordings: int, per_shard: int) -> float:
    n_shards = -(-n_recordings // per_shard)
    shards = tables(folder, n_shards, -(-n_recordings // n_shards), duration_s=4.0)
    return max(run_shards(shards[:2], at_once=1))


def tables(folder: Path, n_shards: int, per_shard: int, duration_s: float) -> list[list[str]]:
    """What `featurize` is handed: tables of recordings and parts, over a few files that stand for many.

    Returns:
        A shard's arguments for `benchmarks.featurize_task`, for each of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{number}.ogg" for number in range(_N_FILES)]
    for number, file in enumerate(files):
        write_ogg(file, song(duration_s, _RATE_HZ, seed=number), _RATE_HZ)
    sha256 = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    numbers = np.arange(n_shards * per_shard)
    ids = [f"recording-{number:06d}" for number in numbers]
    usable = pd.DataFrame(
        {
            "recording_id": ids,
            "path": [str(files[number % _N_FILES]) for number in numbers],
            "primary_label": "grekis",
            "secondary_labels": [[] for _ in numbers],
            "sha256": [sha256[number % _N_FILES] for number in numbers],
        }
    )
    assignment = pd.DataFrame(
        {"recording_id": ids, "group_id": ids, "split": "train", "shard": numbers % n_shards},
    )
    usable.to_parquet(folder / "usable.parquet", index=False)
    assignment.to_parquet(folder / "assignment.parquet", index=False)
    config = part_of(resolve(preset_text("demo")), "featurize")
    names = ["usable.parquet", "assignment.parquet"]
    return [
        [config, *(str(folder / name) for name in names), str(shard), str(folder / f"shard-{shard}")]
        for shard in range(n_shards)
    ]


def _nothing_of(shard: Sequence[str]) -> list[str]:
    """The same process with no recording to work on."""
    return [*shard[:-2], "none", shard[-1]]


def run_shards(shards: Sequence[Sequence[str]], at_once: int) -> list[float]:
    """Run shards as processes, so many at once.

    Returns:
        Peak memory of each, in MiB.
    """
    peaks: list[float] = []
    for first in range(0, len(shards), at_once):
        running = [start("benchmarks.featurize_task", shard) for shard in shards[first : first + at_once]]
        peaks += [float(answer(process)) for process in running]
    return peaks


def run(quick: bool) -> list[Result]:
    """Both."""
    return [two_cores(quick), memory(quick)]
