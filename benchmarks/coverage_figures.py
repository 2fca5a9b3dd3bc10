"""Of the library, how much the default suite runs: coverage's report as committed figures.

    python -m benchmarks.coverage_figures REPORT.json [--out FILE] [--page PAGE] [--min-share 0.9]

They are written into the documentation too, between `<!-- coverage -->` and the next blank line. A line or a branch
that is run is not one whose outcome is tested: `make proofs core-mutations` looks at that.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from benchmarks.machine import machine
from silencio.command import command, exit_with
from silencio.storage import write_atomically

_ROOT = Path(__file__).resolve().parents[1]
_PLACE = re.compile(r"(?<=<!-- coverage -->\n).*?(?=\n\n|\n?\Z)", re.DOTALL)
_COUNTS = ("num_statements", "covered_lines", "num_branches", "covered_branches")
# Files below are listed one by one.
LOW_SHARE = 0.8
# Of those, how many the documentation names.
N_NAMED = 5


def figures(report: Mapping[str, Any]) -> dict[str, Any]:
    """Shares of lines and branches that were run, of all, by room, and of files that were run the least.

    Args:
        report: As `coverage json` writes it, with branches.
    """
    total: Counter[str] = Counter()
    rooms: dict[str, Counter[str]] = {}
    files = {}
    for name, entry in report["files"].items():
        counts = Counter({count: entry["summary"][count] for count in _COUNTS})
        total.update(counts)
        rooms.setdefault(_room(name), Counter()).update(counts)
        files[name] = _share(counts)
    low = sorted((share, name) for name, share in files.items() if share < LOW_SHARE)
    return {
        "n_files": len(files),
        "n_lines": total["num_statements"],
        "n_branches": total["num_branches"],
        "covered_share": _share(total),
        "covered_branches_share": round(total["covered_branches"] / max(1, total["num_branches"]), 4),
        "by_room": {room: _share(counts) for room, counts in sorted(rooms.items())},
        f"files_below_{LOW_SHARE:g}": {name: share for share, name in low},
    }


def words(found: Mapping[str, Any] | None, date: str = "") -> str:
    """The figures as a paragraph of the documentation.

    Args:
        found: From `figures`; None: nobody has measured yet.
        date: When that was.
    """
    if found is None:
        return "Nobody has measured yet: `make coverage` writes the figures here."
    share, branches = (f"{100 * found[name]:.1f} %" for name in ("covered_share", "covered_branches_share"))
    low = found[f"files_below_{LOW_SHARE:g}"]
    named = ", ".join(f"`{name}` ({100 * share:.0f} %)" for name, share in list(low.items())[:N_NAMED])
    text = (
        f"Measured on {date}: {share} of {found['n_lines']:,} lines and {found['n_branches']:,} branches together, "
        f"{branches} of the branches alone; {len(low)} of {found['n_files']} files are below {100 * LOW_SHARE:.0f} %"
        f"{', the least: ' if named else ''}{named}."
    )
    return textwrap.fill(text, 120, break_on_hyphens=False, break_long_words=False)


def with_figures(page: str, paragraph: str) -> str:
    """A page with the paragraph in its place."""
    return _PLACE.sub(lambda _: paragraph, page, count=1)


def _room(name: str) -> str:
    """A folder of the library, or the library itself for files that are in none."""
    parts = PurePosixPath(name).parts[2:]
    return parts[0] if len(parts) > 1 else "silencio"


def _share(counts: Mapping[str, int]) -> float:
    """Of lines and branches together, as coverage counts."""
    of = counts["num_statements"] + counts["num_branches"]
    return round((counts["covered_lines"] + counts["covered_branches"]) / of, 4) if of else 1.0


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Keep the figures; 1 where too little was run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage_figures", description=__doc__)
    parser.add_argument("report", type=Path, help="of `coverage json`")
    parser.add_argument("--out", type=Path, default=_ROOT / "benchmarks" / "results" / "coverage.json")
    parser.add_argument("--min-share", type=float, default=0.9, help="least share of lines and branches")
    parser.add_argument("--page", type=Path, default=_ROOT / "docs" / "developing.md")
    options = parser.parse_args(arguments)
    found = figures(json.loads(options.report.read_text(encoding="utf-8")))
    kept = {"machine": machine(), "result": found}
    write_atomically(options.out, json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    page = options.page.read_text(encoding="utf-8")
    write_atomically(options.page, with_figures(page, words(found, kept["machine"]["date"][:10])))
    print(json.dumps(found, indent=1))  # noqa: T201  # what was asked for
    if found["covered_share"] < options.min_share:
        sys.stderr.write(f"{found['covered_share']:.1%} is run, {options.min_share:.0%} is wanted\n")
        return 1
    return 0


if __name__ == "__main__":
    exit_with(main)
