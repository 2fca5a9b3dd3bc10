"""`python -m silencio.registry list|promote|fetch|benchmarks`: the versions of the model."""

from __future__ import annotations

import argparse
import json
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
    benchmarks = commands.add_parser("benchmarks", help="write what `make bench` measured on a version")
    benchmarks.add_argument("version", type=int, metavar="VERSION")
    benchmarks.add_argument("figures", type=Path, metavar="FILE", help="the JSON of `make bench`")
    return parser


def _list(console: Console) -> None:
    from rich.table import Column, Table

    from silencio.registry.models import versions
    from silencio.registry.runs import runs_page

    found = versions()
    if not found:
        console.print(f"{MODEL} has no versions at {shown(Tracking().uri)}", soft_wrap=True)
        return
    table = Table("version", "alias", Column("bundle", no_wrap=True), "registered", "macro mAP", "top-1", "run")
    for version in found:
        figures = (version.figures.get(f"test/{name}") for name in ("macro_map", "top1"))
        table.add_row(
            str(version.number),
            ", ".join(version.aliases),
            version.bundle_version,
            f"{version.registered:%Y-%m-%d %H:%M}",
            *("" if figure is None else f"{figure:.3f}" for figure in figures),
            version.run_id[:8],
        )
    console.print(table)
    console.print(f"Runs: {runs_page()}", soft_wrap=True)


def _promote(version: int) -> None:
    from silencio.registry.models import promote

    promote(version)
    sys.stdout.write(f"version {version} is the champion\n")


def _benchmarks(version: int, file: Path) -> None:
    from silencio.errors import RegistryError
    from silencio.registry.models import set_benchmarks

    try:
        results = json.loads(file.read_text(encoding="utf-8"))["results"]
        figures = {f"{one['what']} [{one['unit']}]": float(one["value"]) for one in results}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RegistryError(f"{file} is no JSON of `make bench` ({error})") from error
    set_benchmarks(version, figures)
    sys.stdout.write(f"{len(figures)} figures stand on version {version}\n")


def _fetch(alias: str, out: Path) -> None:
    from silencio.errors import RegistryError
    from silencio.registry.models import fetch

    if fetch(alias, out) is None:
        raise RegistryError(f"no version of {MODEL} is called {alias!r} at {shown(Tracking().uri)}")
    sys.stdout.write(f"{out}\n")


if __name__ == "__main__":
    exit_with(main)
