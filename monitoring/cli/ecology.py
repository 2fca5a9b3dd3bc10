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
    """Write numbers for tour operators and ecologists."""
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
    _add_darwin_core(commands.add_parser("darwin-core", help="occurrences as a Darwin Core archive"))
    _add_history(commands.add_parser("detection-history", help="sites by occasions with effort, for occupancy models"))


def _add_darwin_core(parser: argparse.ArgumentParser) -> None:
    _add_sources(parser, bundle_needed=True)
    parser.add_argument("--month", nargs="+", required=True, metavar="YYYY-MM", help="local months")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the zip")
    parser.add_argument(
        "--dataset",
        type=Path,
        required=True,
        metavar="FILE",
        help="YAML: title, abstract, license, rights_holder, creator",
    )
    parser.add_argument("--license", metavar="ID", help="CC0-1.0, CC-BY-4.0 or CC-BY-NC-4.0; default: the file's")
    parser.add_argument("--rights-holder", metavar="NAME", help="default: the file's")
    parser.add_argument(
        "--sensitive",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="YAML or CSV of sensitive species with Chapman's categories; again for another",
    )
    parser.add_argument("--only-verified", action="store_true", help="nothing that nobody listened to")
    parser.add_argument(
        "--min-precision",
        type=float,
        default=0.9,
        metavar="SHARE",
        help="reviewed precision of a species, surely, from which on its unreviewed detections are taken; "
        "default: %(default)g",
    )
    parser.set_defaults(run=_darwin_core)


def _add_history(parser: argparse.ArgumentParser) -> None:
    _add_sources(parser)
    parser.add_argument("--month", nargs="+", required=True, metavar="YYYY-MM", help="first local month, and the last")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="gets the tables")
    parser.add_argument("--species", nargs="+", default=[], metavar="CODE", help="default: every species that counts")
    parser.add_argument(
        "--occasion",
        choices=["day", "night"],
        default="day",
        help="from midnight to midnight, or from noon to noon by the evening's date; default: %(default)s",
    )
    parser.add_argument("--days", type=int, default=1, metavar="N", help="days in an occasion; default: %(default)s")
    parser.add_argument(
        "--evidence",
        choices=["accepted", "verified"],
        default="accepted",
        help="what counts as found; verified: what nobody listened to is missing; default: %(default)s",
    )
    parser.add_argument(
        "--min-minutes",
        type=float,
        default=0.0,
        metavar="MINUTES",
        help="an occasion with less sound is missing; default: %(default)g",
    )
    parser.add_argument("--only-recorders", action="store_true", help="without what visitors recorded in sessions")
    parser.set_defaults(run=_history)


def _add_sources(parser: argparse.ArgumentParser, *, bundle_needed: bool = False) -> None:
    parser.add_argument("--log", required=True, metavar="PLACE", help="the prediction log: a folder or s3://…")
    parser.add_argument("--places", type=Path, metavar="FILE", help="YAML of sites: trail, coordinates, zone, seasons")
    parser.add_argument("--zone", metavar="NAME", help="time zone of days and hours; default: the file's, else UTC")
    parser.add_argument("--site", metavar="ID", help="this site alone")
    parser.add_argument(
        "--judgements", type=Path, metavar="FILE", help="what people found: Parquet, or lines of JSON (.jsonl)"
    )
    parser.add_argument(
        "--bundle",
        type=Path,
        action="append",
        default=None if bundle_needed else [],
        required=bundle_needed,
        metavar="FOLDER",
        help="names of species; again for another",
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
    _tell(note for one in facts for note in one.notes)
    for line in summary(facts):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{options.out / PAGE}\n")
    return 0


def _darwin_core(options: argparse.Namespace) -> int:
    from monitoring.ecology.darwin_core import write_archive
    from monitoring.ecology.dataset import read_dataset, read_sensitive

    # Without a licence nothing else needs to be read.
    dataset = read_dataset(options.dataset, options.license, options.rights_holder)
    sensitive = read_sensitive(options.sensitive)
    export = write_archive(
        _sources(options),
        options.month,
        options.bundle,
        dataset,
        sensitive,
        options.out,
        min_precision=options.min_precision,
        only_verified=options.only_verified,
    )
    _tell(export.notes)
    sys.stdout.write(f"{options.out}: {export.n_records} occurrences, {export.n_verified} of them verified\n")
    return 0


def _history(options: argparse.Namespace) -> int:
    from monitoring.ecology.history import HistoryRule, write_history

    rule = HistoryRule(
        options.occasion,
        options.days,
        options.evidence,
        options.min_minutes,
        tuple(options.species),
        options.only_recorders,
    )
    written = write_history(_sources(options), options.month, rule, options.out)
    _tell(written.notes)
    history = written.history
    sys.stdout.write(
        f"{options.out}: {len(history.found)} species, {len(history.sites)} sites, {len(history.occasions)} occasions, "
        f"{written.n_missing} of {written.n_cells} without a recording that counts\n"
    )
    return 0
