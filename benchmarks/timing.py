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
from numpy.typing import NDArray


@dataclass(frozen=True)
class Comparison:
    """Two functions timed in turn: ours, reference, ours, reference, …

    Attributes:
        ours_s: Seconds of each call.
        reference_s: Of the call right after it.
    """

    ours_s: list[float]
    reference_s: list[float]

    @property
    def ratio(self) -> float:
        """How many times as fast we are: the median over pairs, whose two calls saw the same machine."""
        return float(np.median(self._ratios))

    @property
    def _ratios(self) -> NDArray[np.float64]:
        return np.divide(self.reference_s, self.ours_s)

    def details(self) -> dict[str, float]:
        """Medians, minima, and the middle half of the ratios."""
        low, high = np.percentile(self._ratios, [25, 75])
        return {
            "ours_median_s": float(np.median(self.ours_s)),
            "ours_min_s": min(self.ours_s),
            "reference_median_s": float(np.median(self.reference_s)),
            "reference_min_s": min(self.reference_s),
            "ratio_of_minima": min(self.reference_s) / min(self.ours_s),
            "ratio_quartile_1": float(low),
            "ratio_quartile_3": float(high),
            "n_pairs": len(self.ours_s),
        }


def compare(ours: Callable[[], object], reference: Callable[[], object], n_pairs: int) -> Comparison:
    """Time two functions in turn, after one call each that does not count."""
    ours()
    reference()
    pairs = [(seconds(ours), seconds(reference)) for _ in range(n_pairs)]
    return Comparison([one for one, _ in pairs], [other for _, other in pairs])


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call."""
    began_s = time.perf_counter()
    function()
    return time.perf_counter() - began_s


def start(module: str, arguments: Sequence[str]) -> subprocess.Popen[str]:
    """Start `python -m module` as a process of its own; what it prints is kept for `answer`."""
    return subprocess.Popen(  # noqa: S603  # a module of this package
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True, env=os.environ
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
