"""Counts of a release, added up as the rules need them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter

from silencio.release.evidence import ArmCounts, Evidence
from silencio.release.sequential_counts import Exposure

_NAMES = tuple(one.name for one in fields(ArmCounts))
_values = attrgetter(*_NAMES)


def added(counts: Iterable[ArmCounts]) -> ArmCounts:
    """The sum of counts."""
    columns = zip(*map(_values, counts), strict=True)
    return ArmCounts(**dict(zip(_NAMES, map(sum, columns), strict=False)))


def in_step(evidence: Evidence) -> tuple[ArmCounts, ArmCounts]:
    """Counts of champion and challenger since the present step began; at 0 % those of simulated users."""
    step = evidence.step
    chosen = [one for one in evidence.intervals if one.step == step and one.simulated == (step == 0)]
    return added(one.champion for one in chosen), added(one.challenger for one in chosen)


def exposures(evidence: Evidence, field: str) -> list[Exposure]:
    """The whole release by stretches of one share, simulated users apart; what is added up there loses nothing.

    Args:
        evidence: What is known.
        field: Field of `ArmCounts`: units with the event.
    """
    sums: dict[tuple[int, bool, float], list[int]] = {}
    for interval in evidence.intervals:
        total = sums.setdefault((interval.step, interval.simulated, interval.share), [0, 0, 0, 0])
        total[0] += interval.champion.units
        total[1] += interval.challenger.units
        total[2] += getattr(interval.champion, field)
        total[3] += getattr(interval.challenger, field)
    return [
        Exposure(
            target_share=share,
            champion_units=champion_units,
            challenger_units=challenger_units,
            champion_events=champion_events,
            challenger_events=challenger_events,
        )
        for (_, _, share), (champion_units, challenger_units, champion_events, challenger_events) in sums.items()
    ]


def concurrent_ratio(stretches: Sequence[Exposure]) -> float | None:
    """Ratio of the rates within stretches (Mantel and Haenszel 1959); None where nothing happened to the champion."""
    over = under = 0.0
    for one in stretches:
        n = one.champion_units + one.challenger_units
        if n and one.target_share not in (0.0, 1.0):
            over += one.challenger_events * one.champion_units / n
            under += one.champion_events * one.challenger_units / n
    return over / under if under else None
