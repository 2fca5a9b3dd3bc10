"""`silencio data check|verify|restore|fetch`: what is wrong with a data set, and whether it is a bundle's."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from silencio.cli.fetch import add_fetch
from silencio.errors import BundleError

if TYPE_CHECKING:
    import pandas as pd

    from silencio.console import Console
    from silencio.taxonomy import ClassList

_MAX_ROWS = 50


def configure(parser: argparse.ArgumentParser) -> None:
    """Check, verify, restore and fetch data sets."""
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="open every recording and name every fault")
    check.set_defaults(run=_check)
    check.add_argument("--out", type=Path, metavar="FILE", help="also write the report as HTML")
    check.add_argument("--strict", action="store_true", help="end with 1 where a recording cannot be used")
    verify = commands.add_parser("verify", help="list what has changed since a bundle was made")
    verify.set_defaults(run=_verify)
    restore = commands.add_parser("restore", help="lay out the exact recordings of a bundle")
    restore.set_defaults(run=_restore)
    restore.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder, in BirdCLEF's layout")
    for each in (verify, restore):
        each.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the bundle's folder")
    add_fetch(commands.add_parser("fetch", help="have the demo's recordings, or instruments, on this machine"))
    for each in (check, verify, restore):
        each.add_argument(
            "--data", required=True, metavar="SOURCE", help="folder, s3:// prefix, zip, manifest, demo or instruments"
        )


def _check(options: argparse.Namespace) -> int:
    from silencio.console import Console
    from silencio.data.faults import faults_by_kind
    from silencio.data.recordings import notes
    from silencio.data.source import open_source
    from silencio.data.validate import validate_recordings
    from silencio.reports.fault_page import summary, write_fault_page

    console, source = Console(), open_source(options.data)
    console.print(f"{options.data} was taken as {source.taken_as}", soft_wrap=True)
    for note in notes(source):
        console.print(note, soft_wrap=True, markup=False, highlight=False)
    outcome = validate_recordings(source.recordings, known=source.faults)
    if len(outcome.faults):
        _print(console, faults_by_kind(outcome.faults), "Faults by kind")
        _print(console, outcome.faults.drop(columns="left_out"), "Faults")
    console.print(summary(outcome))
    if options.out is not None:
        write_fault_page(outcome, options.out)
        console.print(f"report: {options.out}", soft_wrap=True)
    return int(options.strict and len(outcome.left_out) > 0)


def _verify(options: argparse.Namespace) -> int:
    from silencio.console import Console
    from silencio.data.source import open_source
    from silencio.data.versions import CHANGES, compare

    console = Console()
    table, _ = _data_of(options.bundle)
    changes = compare(table, open_source(options.data))
    if changes.empty:
        console.print(f"{options.data} holds exactly the {len(table)} recordings of {options.bundle}", soft_wrap=True)
        return 0
    counts = changes["change"].value_counts()
    _print(console, changes, "Changes")
    for change, meaning in CHANGES.items():
        if change in counts.index:
            console.print(f"{counts[change]} {change}: {meaning}", soft_wrap=True)
    return 1


def _restore(options: argparse.Namespace) -> int:
    from silencio.console import Console
    from silencio.data.versions import restore

    table, classes = _data_of(options.bundle)
    restore(table, classes, options.data, options.out)
    Console().print(f"{options.out} holds exactly the {len(table)} recordings of {options.bundle}", soft_wrap=True)
    return 0


def _data_of(directory: Path) -> tuple[pd.DataFrame, ClassList]:
    from silencio.bundle.load import Bundle
    from silencio.bundle.manifest import DATA
    from silencio.data.recordings import read_recordings

    manifest = Bundle(directory).manifest  # every file of it is checked
    if DATA not in manifest.files:
        raise BundleError(f"{directory} holds no {DATA}: it was made before data sets had versions")
    return read_recordings(directory / DATA), manifest.classes


def _print(console: Console, rows: pd.DataFrame, title: str) -> None:
    from rich.table import Table

    table = Table(*rows.columns, title=title, title_justify="left")
    for row in rows.head(_MAX_ROWS).itertuples(index=False):
        table.add_row(*(str(value) for value in row))
    console.print(table)
    if len(rows) > _MAX_ROWS:
        console.print(f"… and {len(rows) - _MAX_ROWS} more rows")
