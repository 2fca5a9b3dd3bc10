"""Faults that show only when recordings are held against each other. Each check is one pass over the table."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from silencio.data.faults import Fault

# Among fewer recordings nothing is usual, and so nothing odd.
_FEWEST = 10
# Standard deviations of the logarithm below this one are a table's evenness, not a measure of oddness: where all
# clips are cut to 10 s, one of 15 s is no fault.
_MIN_SPREAD = 0.5


def duplicates(usable: pd.DataFrame) -> list[Fault]:
    """The same sound under two names, each held against the first of its kind.

    Args:
        usable: `recording_id`, `primary_label`, `sha256` of the bytes and `decoded_sha256` of the samples, which also
            finds a file that was packed or named anew.
    """
    first: dict[str, dict[Hashable, Any]] = {}
    faults = []
    columns = ["recording_id", "primary_label", "sha256", "decoded_sha256"]
    for row in usable.sort_values("recording_id")[columns].to_dict("records"):
        other = first.setdefault(row["decoded_sha256"], row)
        if other is row:
            continue
        same = "bytes" if row["sha256"] == other["sha256"] else "sound"
        if row["primary_label"] == other["primary_label"]:
            faults.append(Fault(row["recording_id"], "duplicate", f"same {same} as {other['recording_id']}"))
        else:
            labels = f"{other['primary_label']!r} there, {row['primary_label']!r} here"
            detail = f"same {same} as {other['recording_id']}, labelled {labels}"
            faults.append(Fault(row["recording_id"], "duplicate_two_labels", detail))
    return faults


def sample_rates(usable: pd.DataFrame, spec_rate_hz: int | None) -> list[Fault]:
    """Recordings of another rate than most, and of a lower one than the features are computed at.

    Args:
        usable: `recording_id`, `sample_rate_hz`.
        spec_rate_hz: Sample rate of the feature spec; None where it is not known.
    """
    rates_hz = usable["sample_rate_hz"]
    usual_hz = int(rates_hz.mode().max())
    faults = []
    for name, rate_hz in zip(usable["recording_id"], rates_hz, strict=True):
        if rate_hz != usual_hz:
            faults.append(Fault(name, "other_rate", f"{rate_hz} Hz, the usual is {usual_hz} Hz"))
        if spec_rate_hz is not None and rate_hz < spec_rate_hz:
            faults.append(Fault(name, "low_rate", f"{rate_hz} Hz, the features are computed at {spec_rate_hz} Hz"))
    return faults


def odd_durations(usable: pd.DataFrame, deviations: float) -> list[Fault]:
    """Durations far outside the rest, by the median and the median deviation of their logarithms.

    Both withstand outliers (Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers); durations are skewed to the
    right, their logarithms hardly.

    Args:
        usable: `recording_id`, `duration_s`.
        deviations: How many (robust) standard deviations are odd.
    """
    if len(usable) < _FEWEST:
        return []
    log_s = np.log(usable["duration_s"].to_numpy())
    middle = np.median(log_s)
    # 1.4826: the median deviation of a normal distribution is that much below its standard deviation.
    spread = max(_MIN_SPREAD, 1.4826 * float(np.median(np.abs(log_s - middle))))
    is_odd = np.abs(log_s - middle) > deviations * spread
    return [
        Fault(
            row["recording_id"],
            "odd_duration",
            f"{row['duration_s']:.2f} s, half of all are above {np.exp(middle):.2f} s",
        )
        for row in usable[is_odd].to_dict("records")
    ]
