"""Sentences that several gates share: a metric against its bound, a model against another."""

from __future__ import annotations

import math
from collections.abc import Mapping

from silencio.evaluation.calibration_error import MIN_RECORDINGS, CalibrationError
from silencio.evaluation.comparisons import CHAMPION, Comparison
from silencio.evaluation.slices import SliceMetrics
from silencio.evaluation.verdict import Reason


def minimum(where: str, name: str, bound: float, metrics: Mapping[str, float | None]) -> Reason:
    """A metric against its least value.

    Args:
        where: What it was measured on: `test` or `soundscapes`.
        name: Name of the metric.
        bound: The least value that passes.
        metrics: Metrics by name; what is missing or no number is refused.
    """
    gate, value = f"minimum {where} {name}", metrics.get(name)
    if value is None or not math.isfinite(value):
        return Reason(gate, False, f"{where} {name} was not computed, the policy asks for at least {bound:g}: refused.")
    passed = value >= bound
    words = f"{where} {name} is {value:.3f}, the policy asks for at least {bound:g}"
    return Reason(gate, passed, f"{words}: {_outcome(passed)}.")


def calibrated(bound: float, found: CalibrationError | None) -> Reason:
    """Whether the calibration error is within the bound; refused only where it is above beyond doubt."""
    if found is None or not all(math.isfinite(value) for value in (found.value, *found.interval)):
        words = f"The calibration error was not computed, the policy allows {bound:g}"
        return Reason("calibration", False, f"{words}: refused.")
    low, high = found.interval
    words = (
        f"The calibration error of the most probable species is {found.value:.3f} [{low:.3f}, {high:.3f}] on "
        f"{found.n_recordings} recordings, the policy allows {bound:g}"
    )
    if low <= bound < high and found.n_recordings < MIN_RECORDINGS:
        return Reason("calibration", True, f"{words}: too few to decide.", decides=False)
    passed = low <= bound
    if passed and found.value > bound:
        words += ", and above it is not beyond doubt"
    return Reason("calibration", passed, f"{words}: {_outcome(passed)}.")


def beats(other: str, name: str, margin: float, found: Comparison | None) -> Reason:
    """Whether the paired interval lies above the margin; a comparison that was not made is refused."""
    gate, against = f"beats {other} in {name}", _against(other)
    if found is None:
        return Reason(gate, False, f"{name} was not compared with {against}: refused.")
    passed = found.interval[0] > margin
    words = f"{name} differs by {_difference(found)} from {against}; the interval must lie above {margin:+g}"
    return Reason(gate, passed, f"{words}: {_outcome(passed)}.")


def not_worse(other: str, name: str, margin: float, found: Comparison | None) -> Reason:
    """Whether the model is no worse than the margin allows; a comparison that was not made is refused."""
    against = _against(other)
    gate = f"champion {name}" if other == CHAMPION else f"not worse than {other} in {name}"
    if found is None:
        return Reason(gate, False, f"{name} was not compared with {against}: refused.")
    passed = not _worse(found.difference, found.interval, margin, found.simultaneous_upper)
    words = f"{name} differs by {_difference(found)} from {against}{_together(found.simultaneous_upper)}"
    words += f"; the policy allows {-margin:g}"
    return Reason(gate, passed, f"{words}: {_outcome(passed)}.")


def slice_not_worse(found: SliceMetrics, margin: float) -> Reason:
    """The same for top-1 of one slice; a small one decides nothing."""
    gate = f"champion on slice {found.name}"
    if found.change is None or found.change_interval is None:
        return Reason.not_applied(gate, f"Slice {found.name}: the champion knows none of its species: not asked.")
    low, high = found.change_interval
    words = (
        f"Slice {found.name}: top1 differs by {found.change:+.3f} [{low:+.3f}, {high:+.3f}] on {found.n_recordings} "
        "recordings from the champion's"
    )
    if not found.counted:
        return Reason(gate, True, f"{words}: too few to decide.", decides=False)
    words += _together(found.simultaneous_upper)
    passed = not _worse(found.change, found.change_interval, margin, found.simultaneous_upper)
    return Reason(gate, passed, f"{words}; the policy allows {-margin:g}: {_outcome(passed)}.")


def no_champion(gate: str, where: str | None = None) -> Reason:
    """A gate that compares with a champion where there is none.

    Args:
        gate: Name of the gate.
        where: What is compared, in words; None: the gate's name says it.
    """
    where = f" ({gate})" if where is None else where
    return Reason.not_applied(gate, f"There is no champion to compare with{where}: not asked.")


def champion_not_compared(champion: str) -> Reason:
    """There is a champion, and no recording on which the two can be compared."""
    return Reason(
        CHAMPION,
        False,
        f"Champion {champion} was not compared: it learned from every test recording of a species that it knows, or "
        "does not say what it learned from (--previous with its bundle keeps its split, --champion none compares "
        "with nothing): refused.",
    )


def _outcome(passed: bool) -> str:
    return "passed" if passed else "refused"


def _worse(
    difference: float, interval: tuple[float, float], margin: float, simultaneous_upper: float | None = None
) -> bool:
    """Beyond the margin, and not by chance; what is no number is worse.

    Of many comparisons one interval in twenty lies beside the truth by chance, so the bound that holds for all of them
    decides where there is one.
    """
    upper = interval[1] if simultaneous_upper is None else simultaneous_upper
    if not all(math.isfinite(value) for value in (difference, *interval, upper)):
        return True
    return difference < -margin and upper < 0


def _together(simultaneous_upper: float | None) -> str:
    return "" if simultaneous_upper is None else f" (at most {simultaneous_upper:+.3f}, all comparisons taken together)"


def _difference(found: Comparison) -> str:
    low, high = found.interval
    return f"{found.difference:+.3f} [{low:+.3f}, {high:+.3f}] on {found.n_recordings} recordings"


def _against(other: str) -> str:
    return "the champion" if other == CHAMPION else other
