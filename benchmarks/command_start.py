"""How long `silencio --help` takes, against the command of the SDK that pipelines are written with."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.result import Result
from benchmarks.timing import seconds


def _help(*words: str) -> float:
    """Seconds of one process that prints help."""
    return seconds(lambda: subprocess.run([sys.executable, *words, "--help"], check=True, capture_output=True))  # noqa: S603


def run(quick: bool) -> list[Result]:
    """In turn, and by the least time of each: what is above it is what else the machine did."""
    n_runs = 1 if quick else 10
    times = [(_help("-m", "silencio"), _help("-c", "from kfp.cli.__main__ import main; main()")) for _ in range(n_runs)]
    ours_s, reference_s = (min(column) for column in zip(*times, strict=True))
    return [
        Result(
            what="silencio --help",
            value=ours_s / reference_s,
            unit="times",
            target=0.5,
            at_least=False,
            ours=f"{1e3 * ours_s:.0f} ms",
            reference=f"kfp --help {1e3 * reference_s:.0f} ms",
            details={"ours_s": [one for one, _ in times], "reference_s": [other for _, other in times]},
        )
    ]
