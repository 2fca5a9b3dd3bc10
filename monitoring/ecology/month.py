"""`silencio ecology month`: CSV and a page for the operator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monitoring.ecology.month_facts import MonthFacts, month_facts
from monitoring.ecology.month_page import page, unreviewed_sentence
from monitoring.ecology.month_tables import tables
from monitoring.ecology.period import Sources, read_month
from silencio.ecology import Benchmark
from silencio.storage import write_atomically

PAGE = "index.html"


def write_months(
    sources: Sources, months: Sequence[str], title: str, benchmark: Benchmark, out: Path
) -> list[MonthFacts]:
    """Write a page of the last month and tables of all.

    Args:
        sources: Where everything is read.
        months: Such as `2026-05`, in any order; each once.
        title: Heading of the page.
        benchmark: How many species in how many minutes.
        out: Folder; it is made.

    Raises:
        ConfigError, DataError, StorageError: As `read_month`; or the folder cannot be written.
    """
    facts = [month_facts(read_month(sources, month), sources, benchmark) for month in sorted(set(months))]
    for name, text in tables(facts).items():
        write_atomically(out / name, text)
    write_atomically(out / PAGE, page(facts, title, sources.places.zone))
    return facts


def summary(months: Sequence[MonthFacts]) -> list[str]:
    """What a terminal shows, one sentence each."""
    lines = []
    for month in months:
        numbers = month.whole.sessions
        in_ten = numbers.species_in_10_sessions
        lines.append(
            f"{month.period.name}: {numbers.n_walks} sessions of a minute or more (of {numbers.n_sessions}), "
            f"{month.whole.recorded_h:.1f} hours of sound, {numbers.n_species} species in sessions, "
            f"{_number(numbers.species_per_session.value)} a session, {_number(in_ten.value)} in ten sessions"
        )
        lines.append(unreviewed_sentence(month))
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
