"""`silencio produce` and `silencio consume`."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from serving.client.options import add_connection_options, add_recorder_options
from serving.stream.producer import BACKGROUNDS


def configure_produce(parser: argparse.ArgumentParser) -> None:
    """Write one-minute soundscapes with calls at known times."""
    parser.add_argument(
        "--recordings", type=Path, required=True, metavar="DIR", help="labelled: whose calls are mixed in"
    )
    parser.add_argument("--backgrounds", type=Path, metavar="DIR", help=f"default: DIR/{BACKGROUNDS}, or made noise")
    parser.add_argument("--to", required=True, metavar="PLACE", help="a folder, or s3://bucket/prefix")
    parser.add_argument(
        "--every-s",
        type=_seconds,
        default=60.0,
        metavar="S",
        help="default: %(default)s, as in life. Below 1 names, which tell seconds, cannot follow: with --n they are of "
        "the last N minutes, written as fast as S says (0: at once); without end there is one a second",
    )
    parser.add_argument("--n", type=int, metavar="N", help="how many; without end by default")
    parser.add_argument("--calls", type=int, default=9, metavar="N", help="most in one; 0: none; default: %(default)s")
    parser.add_argument("--site", default="SIM01", help="begins every name; default: %(default)s")
    parser.add_argument(
        "--start",
        type=datetime.fromisoformat,
        metavar="ISO",
        help="names tell the time of a clock that begins there and goes on a minute a soundscape, never beyond now; "
        "without a zone this machine's, without daylight saving; default: when each is written",
    )
    parser.add_argument("--seed", type=int, default=0, help="another one, other soundscapes; default: %(default)s")
    parser.set_defaults(run=_produce)


def configure_consume(parser: argparse.ArgumentParser) -> None:
    """Have every recording of a place scored once by a server."""
    parser.add_argument("--from", dest="source", required=True, metavar="PLACE", help="a folder, or s3://bucket/prefix")
    parser.add_argument("--to", required=True, metavar="PLACE", help="gets the answers and the tables; PLACE as above")
    parser.add_argument("--url", required=True, help="of the transformer, like http://127.0.0.1:8080")
    parser.add_argument("--once", action="store_true", help="end when everything that is there is done")
    parser.add_argument("--clients", type=int, choices=range(1, 33), default=2, metavar="N", help="requests at once")
    parser.add_argument("--every-s", type=_seconds, default=2.0, metavar="S", help="between looks; %(default)s")
    parser.add_argument(
        "--settle-s", type=_seconds, default=2.0, metavar="S", help="for which a file must not change; %(default)s"
    )
    parser.add_argument(
        "--give-up-s", type=_seconds, default=120.0, metavar="S", help="of a server that is away; default: %(default)s"
    )
    parser.add_argument(
        "--truncated",
        choices=("note", "refuse"),
        default="note",
        help="what becomes of cut files; default: %(default)s",
    )
    parser.add_argument(
        "--zone",
        metavar="NAME",
        help="of the recorders' clocks, like America/Bogota, where names tell none; default: UTC",
    )
    add_connection_options(parser)
    add_recorder_options(parser, "what a file's name begins with, before date and time, else its folder")
    parser.set_defaults(run=_consume)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: a number of seconds is needed")
    return value


def _produce(options: argparse.Namespace) -> int:
    from serving.stream.commands import run_produce

    return run_produce(options)


def _consume(options: argparse.Namespace) -> int:
    from serving.stream.commands import run_consume

    return run_consume(options)
