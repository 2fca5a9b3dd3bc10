"""`silencio registry list|promote|fetch|sign|benchmarks`: the versions of the model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from silencio.registry.settings import MODEL, Tracking, shown

if TYPE_CHECKING:
    from silencio.console import Console


def configure(parser: argparse.ArgumentParser) -> None:
    """List, promote and fetch versions of the model in MLflow."""
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="name the versions, their aliases and their metrics")
    listing.set_defaults(run=_list)
    promote = commands.add_parser(
        "promote", help="make a version the champion by hand; the champion becomes `previous`"
    )
    promote.add_argument("version", metavar="VERSION", help="its number, or its alias: challenger, previous")
    promote.add_argument(
        "--without-release",
        required=True,
        metavar="REASON",
        help="why no release decides it (`silencio release start`); kept as a tag of the version",
    )
    promote.set_defaults(run=_promote)
    fetch = commands.add_parser("fetch", help="download the bundle of a version")
    fetch.add_argument("alias", metavar="ALIAS", help="champion, challenger, previous, or a version's number")
    fetch.add_argument("--out", required=True, type=Path, metavar="DIR", help="gets the bundle")
    fetch.set_defaults(run=_fetch)
    sign = commands.add_parser("sign", help="sign the bundle of a version, in the artifact store (extra signing)")
    sign.add_argument("version", metavar="VERSION", help="its number, or its alias: challenger, champion, previous")
    sign.add_argument(
        "--key", required=True, type=Path, metavar="FILE", help="PEM, private, of the curve P-256 to P-521"
    )
    sign.add_argument("--password-file", type=Path, metavar="FILE", help="holds the key's password, where it has one")
    sign.set_defaults(run=_sign)
    benchmarks = commands.add_parser("benchmarks", help="write what `make bench` measured of its bundle on a version")
    benchmarks.add_argument(
        "version", metavar="VERSION", help="its number, or its alias: challenger, champion, previous"
    )
    benchmarks.add_argument("figures", type=Path, metavar="FILE", help="the JSON of `make bench`")
    benchmarks.set_defaults(run=_benchmarks)


def _list(options: argparse.Namespace) -> None:
    from silencio.console import Console

    print_versions(Console())


def print_versions(console: Console) -> None:
    """Print a table of all versions, and where their runs are."""
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


def _promote(options: argparse.Namespace) -> None:
    from silencio.registry.models import promote, version_number

    number = version_number(options.version)
    promote(number, without_release=options.without_release)
    sys.stdout.write(f"version {number} is the champion\n")


def _benchmarks(options: argparse.Namespace) -> None:
    from silencio.registry.benchmarks import Benchmarks
    from silencio.registry.models import set_benchmarks, version_number

    benchmarks = Benchmarks.load(options.figures)
    number = version_number(options.version)
    kept = set_benchmarks(number, benchmarks)
    figures = "figure stands" if len(kept) == 1 else "figures stand"
    sys.stdout.write(f"{len(kept)} {figures} on version {number}, measured on {benchmarks.machine}\n")
    if benchmarks.n_metrics > len(kept):
        sys.stdout.write(f"{benchmarks.n_metrics - len(kept)} are of other bundles, of none, or no number: left out\n")


def _fetch(options: argparse.Namespace) -> None:
    from silencio.registry.models import fetch, no_version

    if fetch(options.alias, options.out) is None:
        raise no_version(options.alias)
    sys.stdout.write(f"{options.out}\n")


def _sign(options: argparse.Namespace) -> None:
    from silencio.bundle.signing import read_password
    from silencio.registry.models import sign_version, version_number

    number = version_number(options.version)
    sign_version(number, options.key, read_password(options.password_file))
    sys.stdout.write(f"version {number} is signed\n")
