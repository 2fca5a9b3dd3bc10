"""Training beside another busy process: threads that spin while they wait take the processor from those that work."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.result import Result
from benchmarks.timing import answer, start

# With two cores, one of which is busy, threads that share what is left need about twice the time.
_TARGET = 2.2
_N_STEPS = 12
_POLICY = "OMP_WAIT_POLICY"


def run(quick: bool) -> list[Result]:
    """Measure as set up here, and, for comparison, with OpenMP's own way of waiting."""
    n_steps = 2 if quick else _N_STEPS
    passive = _alone_and_beside(n_steps, "PASSIVE")
    active = _alone_and_beside(n_steps, "ACTIVE")
    alone_s, beside_s = passive
    return [
        Result(
            "a training step of Lite0 beside a busy process",
            beside_s / alone_s,
            "times",
            _TARGET,
            False,
            f"{beside_s:.2f} s",
            f"{alone_s:.2f} s alone",
            {
                "alone_s": alone_s,
                "beside_s": beside_s,
                "spinning_alone_s": active[0],
                "spinning_beside_s": active[1],
                "spinning_ratio": active[1] / active[0],
            },
        )
    ]


def _alone_and_beside(n_steps: int, policy: str) -> tuple[float, float]:
    alone_s = _step_s(n_steps, policy)
    with _busy():
        return alone_s, _step_s(n_steps, policy)


def _step_s(n_steps: int, policy: str) -> float:
    before = os.environ.get(_POLICY)
    os.environ[_POLICY] = policy
    try:
        process = start("benchmarks.training_task", [str(n_steps)])
    finally:
        os.environ.pop(_POLICY)
        if before is not None:
            os.environ[_POLICY] = before
    return statistics.median(answer(process))


@contextmanager
def _busy() -> Iterator[None]:
    """One process that never waits."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()
