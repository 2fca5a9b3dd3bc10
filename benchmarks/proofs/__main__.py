"""Run proofs: `python -m benchmarks.proofs NAME … [--work FOLDER] [--out FOLDER]`. A stopped one is taken up."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import benchmarks.proofs
from benchmarks.machine import machine
from benchmarks.proofs.units import Units
from silencio.command import command, exit_with
from silencio.storage.atomic import write_atomically

_NO_PROOFS = {"__main__", "mutation", "units"}
_ROOT = Path(__file__).resolve().parents[2]


def names() -> list[str]:
    """Every proof: a module of this package whose `prove` takes `Units` and returns plain values."""
    modules = {module.name for module in pkgutil.iter_modules(benchmarks.proofs.__path__)}
    return sorted(name.replace("_", "-") for name in modules - _NO_PROOFS)


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named; 0 where all of it ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proofs", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(names()) + "; none lists them")
    parser.add_argument("--work", type=Path, default=Path("out/proofs"), help="finished units (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=_ROOT / "benchmarks" / "results" / "proofs", help="results (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(names()))
    if unknown or not options.names:
        parser.error(f"no proof is called {', '.join(unknown) or '(nothing)'}: there are {', '.join(names())}")
    for name in options.names:
        sys.stderr.write(f"{name} …\n")
        prove = importlib.import_module(f"benchmarks.proofs.{name.replace('-', '_')}").prove
        result = {"proof": name, "commit": _commit(), "machine": machine(), "result": prove(Units(options.work / name))}
        write_atomically(options.out / f"{name}.json", json.dumps(result, indent=1, ensure_ascii=False) + "\n")
        print(json.dumps(result["result"], indent=1, ensure_ascii=False))  # noqa: T201  # what was asked for
    return 0


def _commit() -> str:
    """The commit that is proved; `+` where the tree has changes of its own."""
    done = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=_ROOT, capture_output=True, text=True)  # noqa: S607
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    exit_with(main)
