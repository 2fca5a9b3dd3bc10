"""`silencio predict`: detections in recordings, with a bundle here or by a server."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

from serving.client.options import API_KEY, add_connection_options, add_recorder_options
from serving.predict.formats import FORMAT_NAMES, TABLE


def configure(parser: argparse.ArgumentParser) -> None:
    """Name what recordings hold."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="OGG, WAV, FLAC or MP3")
    backend = parser.add_mutually_exclusive_group(required=True)
    backend.add_argument("--bundle", type=Path, metavar="DIR", help="score here, without a server")
    backend.add_argument("--url", help="call a server, like http://127.0.0.1:8080")
    parser.add_argument(
        "--format", choices=FORMAT_NAMES, default=TABLE, help="json: one object a line and file (default: %(default)s)"
    )
    parser.add_argument(
        "--top-k",
        type=_top_k,
        default=5,
        metavar="N|all",
        help="species that a window lists besides those that pass their threshold, for table and json "
        "(default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write one file a recording instead of printing")
    parser.add_argument(
        "--truncated",
        choices=("note", "refuse"),
        default="note",
        help="a file that ends before its recording does is scored as far as it goes, with a note, or refused "
        "(default: %(default)s)",
    )
    _add_place(parser)
    parser.add_argument(
        "--api-key-file",
        type=Path,
        metavar="FILE",
        help=f"holds the key for --url in one line (default: the environment's {API_KEY})",
    )
    add_connection_options(parser)
    recorder = parser.add_argument_group("recorder", "with --url, of all the recordings")
    add_recorder_options(recorder, "what a file's name begins with, before date and time")
    parser.set_defaults(run=_predict)


def _add_place(parser: argparse.ArgumentParser) -> None:
    place = parser.add_argument_group("place and season", "of all the recordings")
    place.add_argument("--latitude", type=_degrees(90), metavar="DEGREES", help="north of the equator")
    place.add_argument("--longitude", type=_degrees(180), metavar="DEGREES", help="east of Greenwich")
    place.add_argument("--recorded-at", type=_moment, metavar="TIME", help="ISO 8601, like 2026-05-01T05:40:00-05:00")
    prior = place.add_mutually_exclusive_group()
    prior.add_argument(
        "--site-list", type=Path, metavar="FILE", help="with --bundle: CSV of the species of a site and their weeks"
    )
    prior.add_argument(
        "--birdnet-range", action="store_true", help="with --bundle: BirdNET's range model (extra 'birdnet')"
    )


def _top_k(text: str) -> int | Literal["all"]:
    if text == "all":
        return "all"
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: a whole number of at least 1, or all, is needed")


def _degrees(limit: int) -> Callable[[str], float]:
    def degrees(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not -limit <= value <= limit:
            raise argparse.ArgumentTypeError(f"{text!r}: a number from -{limit} to {limit} is needed")
        return value

    return degrees


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: a time like 2026-05-01T05:40:00Z is needed") from error


def _predict(options: argparse.Namespace) -> int:
    from serving.predict.command import predict

    return predict(options)
