"""Run benchmarks and print one table: `python -m benchmarks [NAME ...] [--out FILE] [--quick] [--strict]`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from benchmarks.machine import machine
from benchmarks.result import Result
from silencio.command import command, exit_with
from silencio.console import Console
from silencio.storage import write_atomically

NAMES = (
    "command_start",
    "log_mel",
    "featurize",
    "growth",
    "bundle_size",
    "batching",
    "serving",
    "canary",
    "prediction_log",
    "batch_score",
    "memory",
    "training",
)


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for.

    Returns:
        1 with `--strict` where a target was missed, else 0.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--out", type=Path, help="keep the figures as JSON")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run, not how fast is it")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a target is missed")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}: there are {', '.join(NAMES)}")
    where = machine()
    results = []
    for name in options.names or NAMES:
        sys.stderr.write(f"{name} …\n")
        results += importlib.import_module(f"benchmarks.{name}").run(options.quick)
    _show(where, results)
    if options.out:
        metrics = {"machine": where, "quick": options.quick, "results": [result.to_dict() for result in results]}
        write_atomically(options.out, json.dumps(metrics, indent=1, ensure_ascii=False) + "\n")
    return int(options.strict and not all(result.met for result in results))


def _show(where: dict[str, Any], results: Sequence[Result]) -> None:
    console = Console(piped_cells=160)
    title = (
        f"{where['processor']}, {where['n_cores']} cores, {where['threads_per_process']} thread a process, "
        f"load {where['load_average_1_min']} at the start, {where['date']}"
    )
    table = Table(title=title)
    for column in ("what", "figure", "promised", "", "ours", "reference"):
        table.add_column(column)
    for result in results:
        metric = f"{result.value:.2f} {result.unit}"
        verdict = Text("met", style="green") if result.met else Text("MISSED", style="bold red")
        table.add_row(result.what, metric, result.promise, verdict, result.ours, result.reference)
    console.print(table)


if __name__ == "__main__":
    exit_with(main)
