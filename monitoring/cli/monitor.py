"""`silencio monitor --prometheus URL --out FOLDER`."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Write alerts, dashboards and drift as static pages."""
    parser.add_argument("--prometheus", required=True, metavar="URL", help="address of Prometheus, http://HOST:PORT")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="gets the pages, and nothing else")
    parser.add_argument("--drift", metavar="PLACE", help="where `silencio drift run` writes: a folder or s3://…")
    parser.add_argument(
        "--at", type=_moment, metavar="TIME", help="a moment in the past, ISO 8601 with its offset (default: now)"
    )
    parser.add_argument(
        "--hours", type=_hours, default=24.0, metavar="N", help="how many hours are drawn; default: %(default)g"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from monitoring.pages.prometheus import now
    from monitoring.pages.write import Request, require_answer, write_pages

    request = Request(
        prometheus=options.prometheus,
        out=options.out,
        now=now(),
        at=options.at,
        hours=options.hours,
        drift=options.drift,
    )
    facts = write_pages(request)
    sys.stdout.write(f"{options.out / 'index.html'}\n")
    require_answer(facts)
    return 0


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; 2026-11-30T07:00:00+00:00 is one") from None
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no offset; write {text}+00:00 where UTC is meant")
    from datetime import UTC

    return at.astimezone(UTC)


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 24 * 366:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of hours between 0 and {24 * 366}")
    return hours
