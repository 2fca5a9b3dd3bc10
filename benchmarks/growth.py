"""From a source to shards at BirdCLEF's size: does the time grow as the recordings do?"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.recordings import N_RECORDINGS, part_of, write_reserve
from benchmarks.result import Result
from benchmarks.timing import processor_seconds
from silencio.config import RunConfig, preset_text, resolve
from silencio.steps.featurize import featurize_shard
from silencio.steps.ingest import ingest_source
from silencio.steps.plan import shards_of
from silencio.steps.split import divide_recordings
from silencio.steps.validate import validate_source


def linear_time(quick: bool) -> Result:
    """Ingest, validate, split, plan and featurize for three sizes with the same long tail."""
    sizes, n_species = ((80, 160, 320), 20) if quick else ((2_000, 8_000, N_RECORDINGS), 206)
    config = resolve(preset_text("reserve-fast"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        whole = write_reserve(folder / "whole", sizes[-1], n_species)
        sources = [part_of(whole, folder / str(size), size, n_species) for size in sizes[:-1]] + [whole]
        prepare(sources[0], folder / "warm-up", config)
        # Up and down again: a machine that is slower for a while is so for several sizes.
        order = [*range(len(sizes)), *reversed(range(len(sizes) - 1))]
        runs = [(which, prepare(sources[which], folder / f"run-{n}", config)) for n, which in enumerate(order)]
    steps_s = [min((steps for one, steps in runs if one == which), key=_total_s) for which in range(len(sizes))]
    total_s = [_total_s(steps) for steps in steps_s]
    # The slope of a line through the logarithms: 1 is linear, 2 would be quadratic.
    exponent = float(np.polyfit(np.log(sizes), np.log(total_s), 1)[0])
    each_ms = [1e3 * total / size for total, size in zip(total_s, sizes, strict=True)]
    return Result(
        what=f"growth of the time from source to shards, to {sizes[-1]:,} recordings",
        value=exponent,
        unit="exponent",
        target=1.1,
        at_least=False,
        ours=f"{each_ms[-1]:.1f} ms a recording",
        reference=f"{each_ms[0]:.1f} ms at {sizes[0]:,}",
        details={
            "ms_per_recording": dict(zip(sizes, each_ms, strict=True)),
            "steps_s": dict(zip(sizes, steps_s, strict=True)),
        },
    )


def _total_s(steps_s: dict[str, float]) -> float:
    return sum(steps_s.values())


def prepare(source: Path, work: Path, config: RunConfig) -> dict[str, float]:
    """The steps before training.

    Returns:
        Processor seconds of each.
    """
    work.mkdir()
    names = ("recordings", "classes", "soundscapes", "usable", "faults", "page", "assignment", "ledger")
    paths = {name: str(work / name) for name in names}
    page = paths["page"]
    steps_s = {
        "ingest": processor_seconds(
            lambda: ingest_source(str(source), paths["recordings"], paths["classes"], paths["soundscapes"])
        ),
        "validate": processor_seconds(
            lambda: validate_source(paths["recordings"], paths["usable"], paths["faults"], page)
        ),
        "split": processor_seconds(
            lambda: divide_recordings(config, paths["usable"], "", paths["assignment"], paths["ledger"], page)
        ),
    }
    shards = [number for part in ("development", "test") for number in shards_of(part, paths["assignment"])]

    def featurize() -> None:
        for shard in shards:
            featurize_shard(config, shard, paths["usable"], paths["assignment"], str(work / f"shard-{shard}"))

    return {**steps_s, "featurize": processor_seconds(featurize)}


def run(quick: bool) -> list[Result]:
    """The one figure."""
    return [linear_time(quick)]
