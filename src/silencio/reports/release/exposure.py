"""What visitors met of a challenger, summed from the intervals of the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

from silencio.release.evidence import ArmCounts, Interval
from silencio.reports.release.facts import ArmFacts, Exposure, ExposureRow


def exposure_of(intervals: Sequence[Interval]) -> Exposure:
    """Sums over visitors, and every step by itself.

    Args:
        intervals: That of the whole release, in order.
    """
    groups: dict[tuple[bool, int, float], list[Interval]] = {}
    for one in intervals:
        groups.setdefault((one.simulated, one.step, one.share), []).append(one)
    rows = tuple(
        ExposureRow(
            step=step,
            share_percent=100 * share,
            is_simulated=is_simulated,
            duration_s=sum(one.ended_s - one.began_s for one in own),
            champion=_summed(one.champion for one in own),
            challenger=_summed(one.challenger for one in own),
        )
        for (is_simulated, step, share), own in groups.items()
    )
    visitors = [row for row in rows if not row.is_simulated]
    everywhere = _failure_rate(row.champion for row in visitors)
    return Exposure(
        requests=sum(row.challenger.requests for row in visitors),
        units=sum(row.challenger.units for row in visitors),
        failed_requests=sum(row.challenger.failed_requests for row in visitors),
        expected_failures=sum(_expected(row, everywhere) for row in visitors),
        rows=rows,
    )


def _expected(row: ExposureRow, everywhere: float) -> float:
    """Failures that the champion would have had in the challenger's place; at 100 % by its rate in all other steps."""
    return row.challenger.requests * (_failure_rate([row.champion]) if row.champion.requests else everywhere)


def _failure_rate(arms: Iterable[ArmFacts]) -> float:
    every = list(arms)
    n_requests = sum(one.requests for one in every)
    return sum(one.failed_requests for one in every) / n_requests if n_requests else 0.0


def _summed(counts: Iterable[ArmCounts]) -> ArmFacts:
    every = list(counts)
    names = {one.name for one in fields(ArmCounts)} & set(ArmFacts.model_fields)
    return ArmFacts(**{name: sum(getattr(one, name) for one in every) for name in names})
