"""From a source to shards at BirdCLEF's size: does the time grow as the recordings do?"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.recordings import N_RECORDINGS, part_of, write_reserve
from benchmarks.result import Result
from benchmarks.timing import processor_seconds
from silencio.config import RunConfig, preset_text, resolve
from silencio.steps import featurize, ingest, plan, split, validate


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
    tables = ingest.Outputs(work / "recordings", work / "classes", work / "soundscapes")
    checked = validate.Outputs(work / "usable", work / "faults", work / "page")
    divided = split.Outputs(work / "assignment", work / "split_history", work / "page")
    steps_s = {
        "ingest": processor_seconds(lambda: ingest.run(ingest.Inputs(str(source)), tables)),
        "validate": processor_seconds(lambda: validate.run(validate.Inputs(tables.recordings), checked)),
        "split": processor_seconds(lambda: split.run(split.Inputs(config, checked.usable), divided)),
    }
    shards = [one for name in ("development", "test") for one in plan.run(plan.Inputs(name, divided.assignment))]

    def featurize_all() -> None:
        for shard in shards:
            inputs = featurize.Inputs(config, shard, checked.usable, divided.assignment)
            featurize.run(inputs, featurize.Outputs(work / f"shard-{shard}"))

    return {**steps_s, "featurize": processor_seconds(featurize_all)}


def run(quick: bool) -> list[Result]:
    """The one figure."""
    return [linear_time(quick)]
