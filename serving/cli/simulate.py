"""`silencio simulate guide|power|mobile|rare|adversarial --url …`."""

from __future__ import annotations

import argparse
from pathlib import Path

from serving.client.options import add_connection_options, add_recorder_options

# Of `serving.simulate.command`, which has the client; a test holds them together.
SIMULATIONS = ("guide", "power", "mobile", "rare", "adversarial")


def configure(parser: argparse.ArgumentParser) -> None:
    """Let simulated users call a server, and report what they saw."""
    parser.add_argument("simulation", choices=SIMULATIONS, help="who they are")
    parser.add_argument("--url", required=True, help="of the transformer, like http://127.0.0.1:8080")
    parser.add_argument("--recordings", type=Path, metavar="DIR", help="what they send; sounds made up by default")
    parser.add_argument("--seconds", type=_positive, default=30.0, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--clients",
        type=int,
        choices=range(1, 65),
        default=4,
        metavar="N",
        help="how many act at once (guide: always one); default: %(default)s",
    )
    parser.add_argument("--speed", type=_positive, default=1.0, help="times as fast as life; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="another one, other choices; default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    add_connection_options(parser)
    add_recorder_options(parser, "the API key's name, where that can be a recorder's")
    parser.set_defaults(run=_simulate)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: a number above 0 is needed")
    return value


def _simulate(options: argparse.Namespace) -> int:
    from serving.simulate.command import simulate

    return simulate(options)
