"""Five folds by recording: `python -m benchmarks.accuracy --data FOLDER --out FOLDER`.

Every recording is tested once, by models trained neither on it nor on the same sound under another name. Two
processes of one thread each work on the jobs of all folds; a job that was finished is not computed again: a run that
was stopped is taken up.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.accuracy.begun import take_up
from benchmarks.accuracy.folds import N_FOLDS
from benchmarks.accuracy.jobs import Run
from benchmarks.accuracy.table import show, summary
from benchmarks.accuracy.work import work
from silencio.command import command, exit_with
from silencio.config import preset_text, read_config_file, resolve
from silencio.storage import write_atomically
from silencio.training.preflight import check_run

# Laid over the preset: what the table has beside its heads.
_BESIDE = Path(__file__).with_name("accuracy.yaml")


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Compute what is missing, then show all; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder in BirdCLEF's layout")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", default="reserve")
    parser.add_argument("--config", type=Path, default=_BESIDE, help="YAML laid over the preset")
    parser.add_argument("--set", action="append", default=[], metavar="a.b=v")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--folds", type=int, nargs="*", default=list(range(N_FOLDS)), help="only these")
    parser.add_argument("--table", action="store_true", help="compute nothing, show what there is")
    _answer(parser.parse_args(arguments))
    return 0


def _answer(options: argparse.Namespace) -> None:
    config = resolve(preset_text(options.preset), over=read_config_file(options.config), overrides=options.set)
    run = Run(options.data, options.out, config)
    options.out.mkdir(parents=True, exist_ok=True)
    take_up(run)
    if not options.table:
        check_run(config)
        config.save(options.out / "config.yaml")
        work(run, options.folds, options.processes)
    facts = summary(run)
    write_atomically(options.out / "accuracy.json", json.dumps(facts, indent=1) + "\n")
    show(facts)


if __name__ == "__main__":
    exit_with(main)
