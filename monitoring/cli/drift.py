"""`silencio drift run|report|gauges|actions|renew`."""

from __future__ import annotations

import argparse
import math
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Find what has changed at the sites, and who is to act."""
    commands = parser.add_subparsers(dest="command", required=True)
    _add_run(commands.add_parser("run", help="a day's verdicts, pages and actions, out of the prediction log"))
    report = commands.add_parser("report", help="a day's pages anew, of what is kept of it")
    _add_place(report)
    report.add_argument("--day", metavar="YYYY-MM-DD", help="default: the newest")
    _add_recordings(report)
    report.add_argument("--bundle", metavar="PLACE", help="the one that answered: shows what predictions rest on")
    report.set_defaults(run=_report)
    gauges = commands.add_parser("gauges", help="the newest verdicts as gauges for Prometheus")
    _add_place(gauges)
    gauges.add_argument("--host", default="127.0.0.1", metavar="HOST", help="address to listen on; %(default)s")
    gauges.add_argument("--port", type=_port, default=9108, metavar="N", help="0 takes a free one; %(default)s")
    gauges.add_argument("--every-s", type=_seconds, default=30.0, metavar="S", help="between two looks; %(default)s")
    gauges.set_defaults(run=_gauges)
    actions = commands.add_parser("actions", help="what was made due, one JSON object a line")
    _add_place(actions)
    actions.set_defaults(run=_actions)
    renew = commands.add_parser("renew", help="collect a site's reference anew, as after a repair")
    _add_place(renew)
    renew.add_argument("--site", required=True, metavar="NAME")
    renew.add_argument("--from", dest="since", required=True, metavar="YYYY-MM-DD", help="first day of the new one")
    renew.add_argument("--because", required=True, metavar="TEXT", help="for those who read it later")
    renew.set_defaults(run=_renew)


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        "--log", required=True, metavar="PLACE", help="of --prediction-log: a folder, or s3://bucket/prefix"
    )
    run.add_argument("--out", required=True, metavar="PLACE", help="keeps days, references and actions; PLACE as above")
    run.add_argument("--day", metavar="YYYY-MM-DD", help="by the sun at the sites; default: yesterday")
    run.add_argument("--zone", default="", metavar="NAME", help="of the sites, for what yesterday is; default: UTC")
    run.add_argument("--site", action="append", default=[], metavar="NAME", help="this one alone; may be repeated")
    run.add_argument("--policy", metavar="FILE", help="YAML of thresholds; default: the shipped one")
    run.add_argument("--actions", metavar="FILE", help="YAML: which verdicts make an action due")
    run.add_argument("--bundle", metavar="PLACE", help="the one that answers: its confusion, and explanations")
    run.add_argument("--reviews", metavar="PLACE", help="judgements: Parquet, or .jsonl; a file or all below a PLACE")
    _add_recordings(run)
    run.add_argument("--webhook", metavar="URL", help="gets every action until it took it")
    run.add_argument("--webhook-secret", metavar="FILE", help="signs what the webhook gets (HMAC-SHA256)")
    run.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="DAY",
        help="in no reference: a storm, works at the site",
    )
    run.add_argument(
        "--catch-up", type=_whole, default=3, metavar="N", help="days before it that are made if missed; %(default)s"
    )
    run.add_argument(
        "--late-days", type=_whole, default=7, metavar="N", help="that recordings may come later; %(default)s"
    )
    run.add_argument("--no-evidently", action="store_true", help="leave Evidently's pages out")
    run.add_argument("--exit-zero", action="store_true", help="an alert is no other status than none")
    run.set_defaults(run=_run)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--place", required=True, metavar="PLACE", help="what `run --out` wrote: a folder, or s3://…")


def _add_recordings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recordings", type=Path, metavar="DIR", help="for spectrograms: found by sha256")


def _whole(text: str) -> int:
    if text.isdecimal() and int(text) <= 60:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: a whole number from 0 to 60 is needed")


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 1 << 16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: a port from 0 to 65535 is needed")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}: a number of seconds above 0 is needed")
    return value


def _run(options: argparse.Namespace) -> int:
    from monitoring.drift.command import run

    return run(options)


def _report(options: argparse.Namespace) -> int:
    from monitoring.drift.command import report

    return report(options)


def _gauges(options: argparse.Namespace) -> int:
    from monitoring.drift.command import gauges

    return gauges(options)


def _actions(options: argparse.Namespace) -> int:
    from monitoring.drift.command import actions

    return actions(options)


def _renew(options: argparse.Namespace) -> int:
    from monitoring.drift.command import renew

    return renew(options)
