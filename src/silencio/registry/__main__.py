"""`python -m silencio.registry list|promote|fetch|benchmarks`: the versions of the model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from silencio.command import command, exit_with
from silencio.registry.settings import MODEL, Tracking, shown

if TYPE_CHECKING:
    from silencio.console import Console


@command
def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 after one sentence that says what was wrong."""
    options = _parser().parse_args(arguments)
    if options.command == "list":
        from silencio.console import Console

        _list(Console())
    elif options.command == "promote":
        _promote(options.version)
    elif options.command == "benchmarks":
        _benchmarks(options.version, options.figures)
    else:
        _fetch(options.alias, options.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m silencio.registry", description="Versions of the model in MLflow.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="name the versions, their aliases and their figures")
    promote = commands.add_parser("promote", help="make a version the champion; the champion becomes `previous`")
    promote.add_argument("version", type=int, metavar="VERSION")
    fetch = commands.add_parser("fetch", help="download the bundle of a version")
    fetch.add_argument("alias", metavar="ALIAS", help="champion, challenger, previous, or a version's number")
    fetch.add_argument("--out", required=True, type=Path, metavar="DIR", help="gets the bundle")
    benchmarks = commands.add_parser("benchmarks", help="write what `make bench` measured of its bundle on a version")
    benchmarks.add_argument("version", type=int, metavar="VERSION")
    benchmarks.add_argument("figures", type=Path, metavar="FILE", help="the JSON of `make bench`")
    return parser


def _list(console: Console) -> None:
    from silencio.registry.listing import versions_table
    from silencio.registry.models import versions
    from silencio.registry.runs import runs_page

    found = versions()
    if not found:
        console.print(f"{MODEL} has no versions at {shown(Tracking().uri)}", soft_wrap=True)
        return
    console.print(versions_table(found, console.width))
    if len({version.test_set for version in found}) > 1:
        console.print("Metrics of different test sets are of different recordings: they cannot be compared.")
    console.print(f"Runs: {runs_page()}", soft_wrap=True)


def _promote(version: int) -> None:
    from silencio.registry.models import promote

    promote(version)
    sys.stdout.write(f"version {version} is the champion\n")


def _benchmarks(version: int, file: Path) -> None:
    from silencio.registry.benchmarks import Benchmarks
    from silencio.registry.models import set_benchmarks

    benchmarks = Benchmarks.load(file)
    kept = set_benchmarks(version, benchmarks)
    figures = "figure stands" if len(kept) == 1 else "figures stand"
    sys.stdout.write(f"{len(kept)} {figures} on version {version}, measured on {benchmarks.machine}\n")
    if benchmarks.n_metrics > len(kept):
        sys.stdout.write(f"{benchmarks.n_metrics - len(kept)} are of other bundles, of none, or no number: left out\n")


def _fetch(alias: str, out: Path) -> None:
    from silencio.errors import RegistryError
    from silencio.registry.models import fetch

    if fetch(alias, out) is None:
        raise RegistryError(f"no version of {MODEL} is called {alias!r} at {shown(Tracking().uri)}")
    sys.stdout.write(f"{out}\n")


if __name__ == "__main__":
    exit_with(main)
