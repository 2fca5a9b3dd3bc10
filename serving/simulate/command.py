"""`silencio simulate guide|power|mobile|rare|adversarial --url …`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable

from serving.client.options import API_KEY, recorder_of
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
        recorder=recorder_of(options),
    )
    begun_s = time.monotonic()
    SIMULATIONS[options.simulation](scenario)
    report = Report(options.simulation, scenario.outcomes, time.monotonic() - begun_s, counts)
    if options.json:
        sys.stdout.write(json.dumps(report.to_dict(), ensure_ascii=False) + "\n")
    else:
        report.print(Console())
    return 1 if report.faults else 0
