"""Looks at a release as its record keeps them: every verdict of the last one, and evidence of those before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from silencio.release.record import ReleaseRecord
from silencio.release.verdict import RuleVerdict
from silencio.reports.release.inputs import Look


def looks_of(record: ReleaseRecord) -> list[Look]:
    """In order of time; the record keeps E-values of looks before the last, and no verdicts.

    Args:
        record: As it was saved.

    Raises:
        ValueError: Its verdicts or its trace are not what this version writes.
    """
    try:
        last = [_verdict(one) for one in record.verdicts]
        thresholds = {one.rule: one.threshold for one in last}
        earlier = [
            Look(at=_at(record, point), verdicts=[_traced(rule, e, thresholds) for rule, e in point["e"].items()])
            for point in record.trace
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"release {record.release_id}: its looks are not what this version writes ({error})"
        ) from error
    if not last:
        return earlier
    # The last look is in the trace too, where any rule had evidence.
    at = earlier.pop().at if earlier else record.step_began_at or record.began_at
    return [*earlier, Look(at=at, verdicts=last)]


def _verdict(kept: Mapping[str, Any]) -> RuleVerdict:
    interval = kept.get("interval")
    return RuleVerdict(**{**kept, "interval": None if interval is None else tuple(interval)})


def _traced(rule: str, e_value: float | None, thresholds: Mapping[str, float | None]) -> RuleVerdict:
    return RuleVerdict(
        rule=rule, outcome="no_data", message="", e_value=e_value, threshold=thresholds.get(rule), asked=False
    )


def _at(record: ReleaseRecord, point: Mapping[str, Any]) -> str:
    return (datetime.fromisoformat(record.began_at) + timedelta(seconds=float(point["at_s"]))).isoformat()
