"""Verdicts as the record keeps them, and E-values over time for the page's picture, thinned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from silencio.release.record import ReleaseRecord
from silencio.release.verdict import RuleVerdict

# Every second one is left out when it is full: days of looks, and the record stays small enough for a ConfigMap.
_MAX_POINTS = 400


def kept_verdicts(verdicts: Sequence[RuleVerdict]) -> tuple[dict[str, Any], ...]:
    """Verdicts as mappings; JSON has no infinity, which an E-value may reach."""
    return tuple({name: _finite(value) for name, value in asdict(one).items()} for one in verdicts)


def add_to_trace(
    trace: Sequence[dict[str, Any]], record: ReleaseRecord, verdicts: Sequence[RuleVerdict], *, at_s: float
) -> tuple[dict[str, Any], ...]:
    """Put this look's E-values behind the others; a look like the last one is not kept twice."""
    e_values = {one.rule: _finite(one.e_value) for one in verdicts if one.e_value is not None}
    point = {"at_s": round(at_s, 3), "step": record.step, "share": record.share_percent, "e": e_values}
    if not e_values:
        return tuple(trace)
    thinned = list(trace) if len(trace) < _MAX_POINTS else list(trace)[::2]
    return (*thinned, point)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not abs(value) < 1e300:
        return None if value != value else (1e300 if value > 0 else -1e300)
    if isinstance(value, (tuple, list)):
        return [_finite(one) for one in value]
    return value
