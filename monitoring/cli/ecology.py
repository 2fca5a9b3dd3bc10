"""`silencio ecology month|darwin-core|detection-history --log PLACE --month 2026-05 …`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitoring.ecology.period import Sources


def configure(parser: argparse.ArgumentParser) -> None:
    """Write numbers of the prediction log for the tour operator and the ecologist."""
    commands = parser.add_subparsers(dest="command", required=True)
    month = commands.add_parser("month", help="sessions, species, activity: CSV and one page")
    _add_sources(month)
    month.add_argument(
        "--month", nargs="+", required=True, metavar="YYYY-MM", help="local month; of several the last has the page"
    )
    month.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="gets index.html and the tables")
    month.add_argument("--title", default="Species on the trails", help="heading of the page; default: %(default)s")
    month.add_argument(
        "--benchmark-species", type=int, default=15, metavar="N", help="so many species …; default: %(default)s"
    )
    month.add_argument(
        "--benchmark-minutes",
        type=float,
        default=30.0,
        metavar="MINUTES",
        help="… in so many minutes; default: %(default)g",
    )
    month.set_defaults(run=_month)


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--log", required=True, metavar="PLACE", help="the prediction log: a folder or s3://…")
    parser.add_argument("--places", type=Path, metavar="FILE", help="YAML of sites: trail, coordinates, zone, seasons")
    parser.add_argument("--zone", metavar="NAME", help="time zone of days and hours; default: the file's, else UTC")
    parser.add_argument("--site", metavar="ID", help="this site alone")
    parser.add_argument(
        "--judgements", type=Path, metavar="FILE", help="what people found: Parquet, or lines of JSON (.jsonl)"
    )
    parser.add_argument(
        "--bundle", type=Path, action="append", default=[], metavar="FOLDER", help="names of species; again for another"
    )
    parser.add_argument(
        "--late-days",
        type=int,
        default=60,
        metavar="N",
        help="how long after it was made a recording may arrive; default: %(default)s",
    )


def _sources(options: argparse.Namespace) -> Sources:
    from monitoring.ecology.period import sources_of

    return sources_of(
        options.log,
        options.places,
        options.zone,
        options.judgements,
        options.bundle,
        options.late_days,
        options.site,
    )


def _tell(notes: Iterable[str]) -> None:
    for note in dict.fromkeys(notes):
        sys.stderr.write(f"note: {note}\n")


def _month(options: argparse.Namespace) -> int:
    from monitoring.ecology.month import PAGE, summary, write_months
    from silencio.ecology import Benchmark
    from silencio.errors import ConfigError

    if options.benchmark_species < 1 or not options.benchmark_minutes > 0:
        raise ConfigError("--benchmark-species and --benchmark-minutes must be above 0")
    benchmark = Benchmark(options.benchmark_species, options.benchmark_minutes)
    facts = write_months(_sources(options), options.month, options.title, benchmark, options.out)
    _tell(note for one in facts for note in one.period.notes)
    for line in summary(facts):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{options.out / PAGE}\n")
    return 0
