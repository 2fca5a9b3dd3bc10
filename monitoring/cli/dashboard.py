"""`silencio dashboard --data SOURCE`: the recordings of a team on a page of this machine."""

from __future__ import annotations

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Show recordings, their species, places and faults on a page."""
    parser.add_argument(
        "--data", required=True, metavar="SOURCE", help="folder, s3:// prefix, zip, manifest, demo or instruments"
    )
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="also show what it predicts, and what that rests on")
    parser.add_argument("--log", metavar="PLACE", help="also show a prediction log: a folder or an S3 prefix")
    parser.add_argument("--host", default="127.0.0.1", help="address it listens on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8501, metavar="N", help="default: %(default)s")
    parser.set_defaults(run=_dashboard)


def _port(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: a port from 1 to 65535 is needed")


def _dashboard(options: argparse.Namespace) -> int:
    from monitoring.dashboard.arguments import DashboardArguments
    from monitoring.dashboard.launch import launch

    return launch(DashboardArguments(options.data, options.bundle, options.log), options.host, options.port)
