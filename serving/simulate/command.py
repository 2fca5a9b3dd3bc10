"""`silencio simulate guide|power|mobile|rare|adversarial --url …`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from serving.client.connection import API_KEY, add_connection_options
from serving.simulate.adversarial import adversarial
from serving.simulate.recordings import label_counts, recordings_of
from serving.simulate.report import Report
from serving.simulate.scenario import Scenario
from serving.simulate.users import guide, mobile, power, rare
from silencio.console import Console

SIMULATIONS: dict[str, Callable[[Scenario], None]] = {
    "guide": guide,
    "power": power,
    "mobile": mobile,
    "rare": rare,
    "adversarial": adversarial,
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Let simulated users ask a server, and say what they saw."""
    parser.add_argument("simulation", choices=SIMULATIONS, help="who they are")
    parser.add_argument("--url", required=True, help="of the transformer, like http://127.0.0.1:8080")
    parser.add_argument("--recordings", type=Path, metavar="DIR", help="what they send; sounds made up by default")
    parser.add_argument("--seconds", type=_positive, default=30.0, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--clients", type=int, choices=range(1, 65), default=4, metavar="N", help="default: %(default)s"
    )
    parser.add_argument("--speed", type=_positive, default=1.0, help="times as fast as life; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="another one, other choices; default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    add_connection_options(parser)
    parser.set_defaults(run=simulate)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: a number above 0 is needed")
    return value


def simulate(options: argparse.Namespace) -> int:
    """Play and report.

    Returns:
        0, or 1 if something was seen that must never happen (a 5xx other than 503, an answer of another shape, a
        recording where none was).

    Raises:
        SilencioError: Nothing could be played.
    """
    recordings = recordings_of(options.recordings)
    counts = label_counts(recordings)
    scenario = Scenario(
        options.url,
        recordings,
        duration_s=options.seconds,
        seed=options.seed,
        n_clients=options.clients,
        speed=options.speed,
        api_key=os.environ.get(API_KEY, ""),
        key_in_clear=options.key_in_clear,
        cacert=options.cacert,
    )
    begun_s = time.monotonic()
    SIMULATIONS[options.simulation](scenario)
    report = Report(options.simulation, scenario.outcomes, time.monotonic() - begun_s, counts)
    if options.json:
        sys.stdout.write(json.dumps(report.to_dict(), ensure_ascii=False) + "\n")
    else:
        report.print(Console())
    return 1 if report.faults else 0
