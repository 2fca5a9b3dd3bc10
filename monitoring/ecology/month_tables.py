"""A month's numbers as CSV: one row a thing, columns with their units, empty where nothing is known."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from monitoring.ecology.month_facts import MonthFacts
from silencio.ecology import Estimate
from silencio.ecology.detections import Status

Row = Mapping[str, object]
_STATUSES: tuple[Status, ...] = get_args(Status)


def tables(months: Sequence[MonthFacts]) -> dict[str, str]:
    """The files by name.

    Args:
        months: One or several, in order.
    """
    return {
        "summary.csv": as_csv(row for one in months for row in _summary(one)),
        "species.csv": as_csv(row for one in months for row in _species(one)),
        "activity_by_hour.csv": as_csv(row for one in months for row in _hours(one)),
        "activity_by_day.csv": as_csv(row for one in months for row in _days(one)),
        "accumulation.csv": as_csv(row for one in months for row in _curves(one)),
        "benchmark.csv": as_csv(row for one in months for row in _benchmarks(one)),
    }


def as_csv(rows: Iterable[Row]) -> str:
    """RFC 4180 with a heading; numbers to six digits.

    Args:
        rows: All with the same keys.
    """
    rows = list(rows)
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if value is None or value != value:  # not a number
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        # A spreadsheet would take a site that somebody named so for a formula.
        return f"'{value}"
    return f"{value:.6g}" if isinstance(value, float) else value


def _estimate(name: str, estimate: Estimate) -> dict[str, object]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _statuses(counts: Mapping[Status, int]) -> dict[str, object]:
    return {f"n_{status}": counts.get(status, 0) for status in _STATUSES}


def _summary(month: MonthFacts) -> Iterable[Row]:
    for group in month.groups:
        numbers = group.sessions
        yield {
            "month": month.period.name,
            "by": group.by,
            "group": group.name,
            "n_sessions": numbers.n_sessions,
            "n_sessions_of_60_s": numbers.n_walks,
            "n_species": numbers.n_species,
            **_estimate("species_per_session", numbers.species_per_session),
            **_estimate("spotting_rate_pooled", numbers.spotting_rate_pooled),
            **_estimate("species_in_10_sessions", numbers.species_in_10_sessions),
            **_estimate("requests_per_session", numbers.requests_per_session),
            **_estimate("minutes_per_session", numbers.minutes_per_session),
            "n_requests": numbers.n_requests,
            "n_failed_requests": numbers.n_failed,
            "recorded_hours": group.recorded_h,
            **_statuses(group.n_detections),
        }


def _species(month: MonthFacts) -> Iterable[Row]:
    for one in month.species:
        yield {
            "month": month.period.name,
            "trail": one.trail,
            "code": one.code,
            "scientific_name": one.scientific_name,
            "common_name": one.common_name,
            "n_recordings": one.n_recordings,
            "n_sessions": one.n_sessions,
            "first_day": one.first_day,
            "last_day": one.last_day,
            **_statuses(one.n_detections),
        }


def _hours(month: MonthFacts) -> Iterable[Row]:
    for (trail, code), hours in month.hours.items():
        for hour, one in hours.items():
            yield {
                "month": month.period.name,
                "trail": trail,
                "code": code,
                "local_hour": hour,
                "n_detections": one.n_detections,
                "n_verified": one.n_reviewed,
                "recorded_hours": one.recorded_h,
                "detections_per_recorded_hour": one.per_hour,
            }


def _days(month: MonthFacts) -> Iterable[Row]:
    for trail, days in month.days.items():
        for day, one in days.items():
            yield {
                "month": month.period.name,
                "trail": trail,
                "local_day": day,
                "n_detections": one.n_detections,
                "n_verified": one.n_reviewed,
                "recorded_hours": one.recorded_h,
                "detections_per_recorded_hour": one.per_hour,
            }


def _curves(month: MonthFacts) -> Iterable[Row]:
    for one in month.curves:
        curve = one.accumulation
        for minutes, species, low, high in zip(curve.minutes, curve.species, curve.low, curve.high, strict=True):
            yield {
                "month": month.period.name,
                "trail": one.trail,
                "season": one.season,
                "minutes": float(minutes),
                "species": float(species),
                "species_low": float(low),
                "species_high": float(high),
            }


def _benchmarks(month: MonthFacts) -> Iterable[Row]:
    for one in month.curves:
        curve = one.accumulation
        yield {
            "month": month.period.name,
            "trail": one.trail,
            "season": one.season,
            "benchmark_species": month.benchmark.n_species,
            "benchmark_minutes": month.benchmark.minutes,
            "recorded_minutes": float(curve.minutes[-1]),
            **_estimate("species_in_benchmark_minutes", curve.species_in_minutes),
            **_estimate("minutes_to_benchmark_species", curve.minutes_to_species),
            "n_long_sessions": curve.n_long_sessions,
            "n_long_sessions_reached": curve.n_sessions_reached,
        }
