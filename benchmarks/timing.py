"""Time and memory, measured so that other work on the machine hits both sides alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_CALLS_A_TURN = 3


@dataclass(frozen=True)
class TimeComparison:
    """Two functions timed in turn: some calls of ours, as many of the reference, and again.

    Attributes:
        ours_s: Processor seconds of each call, all threads together.
        reference_s: Times of the reference's calls.
        ours_wall_s: Seconds on the clock.
        reference_wall_s: Wall times of the reference's calls.
    """

    ours_s: list[float]
    reference_s: list[float]
    ours_wall_s: list[float]
    reference_wall_s: list[float]

    @property
    def ratio(self) -> float:
        """How many times as fast we are, by the least time of each: what is above it is what else the machine did."""
        return min(self.reference_s) / min(self.ours_s)

    def details(self) -> dict[str, float]:
        """Everything else that was measured."""
        return {
            "ours_least_s": min(self.ours_s),
            "ours_median_s": float(np.median(self.ours_s)),
            "ours_wall_median_s": float(np.median(self.ours_wall_s)),
            "reference_least_s": min(self.reference_s),
            "reference_median_s": float(np.median(self.reference_s)),
            "reference_wall_median_s": float(np.median(self.reference_wall_s)),
            "ratio_of_medians": float(np.median(self.reference_s) / np.median(self.ours_s)),
            "n_calls": len(self.ours_s),
        }


def compare(ours: Callable[[], object], reference: Callable[[], object], n_turns: int) -> TimeComparison:
    """Time two functions in turn, several calls each: what the other one left in the caches is then gone."""
    ours()
    reference()
    clocks: list[list[tuple[float, float]]] = [[], []]
    for _ in range(n_turns):
        for function, own in zip((ours, reference), clocks, strict=True):
            own += [_both_clocks(function) for _ in range(_CALLS_A_TURN)]
    (ours_s, ours_wall_s), (reference_s, reference_wall_s) = (
        [list(column) for column in zip(*own, strict=True)] for own in clocks
    )
    return TimeComparison(ours_s, reference_s, ours_wall_s, reference_wall_s)


def _both_clocks(function: Callable[[], object]) -> tuple[float, float]:
    began_s, began_wall_s = time.process_time(), time.perf_counter()
    function()
    return time.process_time() - began_s, time.perf_counter() - began_wall_s


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call."""
    return _both_clocks(function)[1]


def processor_seconds(function: Callable[[], object]) -> float:
    """Processor time of one call, all threads together."""
    return _both_clocks(function)[0]


def start(module: str, arguments: Sequence[str]) -> subprocess.Popen[str]:
    """Start `python -m module` as a process of its own; what it prints is kept for `answer`."""
    return subprocess.Popen(  # noqa: S603  # a module of this package
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # progress bars
        text=True,
        env=os.environ,
    )


def answer(process: subprocess.Popen[str]) -> Any:
    """Wait for a process that prints one JSON value.

    Raises:
        RuntimeError: It failed.
    """
    printed, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
    return json.loads(printed)
