"""A month as one page for the operator: numbers, pictures, and what may not be concluded of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from monitoring.ecology.month_facts import ALL, Curve, Group, MonthFacts, SpeciesRow
from monitoring.ecology.month_words import LIMITS, READING
from monitoring.ecology.pictures import accumulated, rates
from silencio.ecology import Estimate
from silencio.ecology.detections import Status
from silencio.reports.document import Column, Section, bullets, document, figure, prose, table
from silencio.reports.markup import Child, Markup, join, tag
from silencio.reports.wording import NOTHING, minus, percent, whole

_BY = {ALL: "All", "trail": "By trail", "season": "By season", "bundle": "By version of the model"}
# Pictures of more trails make a page that nobody reads; their numbers are in the tables.
_MAX_TRAILS_DRAWN = 6


def page(months: Sequence[MonthFacts], title: str, zone: str) -> str:
    """The page of the last month, beside those before it.

    Args:
        months: One or several, in order.
        title: Heading.
        zone: Time zone of days and hours.
    """
    month = months[-1]
    sections = [
        Section("trails", "Trails, seasons and versions", _groups(month)),
        Section("benchmark", _benchmark_title(month), _benchmarks(month)),
        Section("activity", "When they called", _activity(month, zone)),
        Section("species", "Species", _species(month)),
        Section("limits", "What may not be concluded", bullets([unreviewed_sentence(month), *LIMITS])),
        Section("reading", "How these numbers are made", bullets(READING)),
    ]
    if len(months) > 1:
        sections.insert(0, Section("months", "Months compared", _months(months)))
    return document(f"{title}, {month.period.name}", _opening(month, title, zone), sections)


def unreviewed_sentence(month: MonthFacts) -> str:
    """How much of the month a person has listened to."""
    counts = month.whole.n_detections
    n_looked_at = counts.total() - counts["unreviewed"]
    if not counts.total():
        return "The model detected no species."
    if not n_looked_at:
        return (
            f"Nobody has listened to any of the {whole(counts.total())} detections: every number here is what a "
            "model found, right or wrong."
        )
    n_right = counts["confirmed"]
    n_reviewed = n_right + counts["rejected"]
    share = (
        f" Of {whole(n_reviewed)} that were confirmed or rejected, {percent(n_right / n_reviewed)} were right."
        if n_reviewed
        else ""
    )
    return (
        f"People have listened to {whole(n_looked_at)} of {whole(counts.total())} detections; the others are what a "
        f"model found, right or wrong.{share}"
    )


def _opening(month: MonthFacts, title: str, zone: str) -> Markup:
    group, numbers = month.whole, month.whole.sessions
    tiles = [
        _tile(_value(numbers.species_per_session), "species in a session", _interval(numbers.species_per_session)),
        _tile(
            _value(numbers.species_in_10_sessions),
            "species in ten sessions",
            _interval(numbers.species_in_10_sessions)
            if numbers.species_in_10_sessions.value is not None
            else f"ten sessions are needed, there are {numbers.n_walks}",
        ),
        _tile(whole(numbers.n_walks), "sessions of a minute or more", f"of {numbers.n_sessions} sessions"),
        _tile(
            _value(numbers.requests_per_session),
            "requests in a session",
            f"{whole(numbers.n_failed)} of {whole(numbers.n_requests)} requests failed",
        ),
        _tile(
            _value(numbers.minutes_per_session), "minutes of sound in a session", _interval(numbers.minutes_per_session)
        ),
        _tile(f"{group.recorded_h:.1f}", "hours of sound", f"{month.n_without_session} recordings of no session"),
    ]
    return join(
        prose(f"{month.period.first_day:%-d %B %Y} to {month.period.last_day:%-d %B %Y}, {zone}", class_="eyebrow"),
        tag("h1", f"{title}, {month.period.name}"),
        prose(unreviewed_sentence(month), class_="lead"),
        tag("dl", *tiles, class_="tiles"),
        tag("h2", "Before you read on") if month.notes else None,
        bullets(month.notes, "cautions") if month.notes else None,
    )


def _tile(value: str, name: str, note: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", tag("b", value), tag("small", note)))


def _value(estimate: Estimate) -> str:
    return NOTHING if estimate.value is None else f"{estimate.value:.1f}"


def _interval(estimate: Estimate) -> str:
    if estimate.value is None:
        return "nothing to count"
    if estimate.low is None or estimate.high is None:
        return "too few for an interval"
    return f"95 % interval {estimate.low:.1f} to {estimate.high:.1f}"


def _with_interval(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return _value(estimate)
    return minus(f"{estimate.value:.1f} ({estimate.low:.1f} to {estimate.high:.1f})")


_GROUP_COLUMNS = (
    Column("sessions", True),
    Column("of a minute or more", True),
    Column("species in all", True),
    Column("species in a session", True),
    Column("species in ten sessions", True),
    Column("pooled spotting rate", True),
    Column("requests in a session", True),
    Column("minutes in a session", True),
    Column("hours of sound", True),
    Column("detections that count", True),
    Column("nobody listened to", True),
)


def _group_row(group: Group) -> list[Child]:
    numbers = group.sessions
    return [
        whole(numbers.n_sessions),
        whole(numbers.n_walks),
        whole(numbers.n_species),
        _with_interval(numbers.species_per_session),
        _with_interval(numbers.species_in_10_sessions),
        _value(numbers.spotting_rate_pooled),
        _with_interval(numbers.requests_per_session),
        _with_interval(numbers.minutes_per_session),
        f"{group.recorded_h:.1f}",
        whole(_n_accepted(group.n_detections)),
        _share(group.n_detections["unreviewed"], _n_accepted(group.n_detections)),
    ]


def _groups(month: MonthFacts) -> Markup:
    parts = []
    for by, caption in _BY.items():
        groups = [one for one in month.groups if one.by == by]
        if by == ALL or not groups:
            continue
        rows = [[one.name, *_group_row(one)] for one in (*groups, *([month.whole] if by == "trail" else []))]
        parts.append(table(caption, (Column(by), *_GROUP_COLUMNS), rows))
    return join(*parts)


def _months(months: Sequence[MonthFacts]) -> Markup:
    rows = [[one.period.name, *_group_row(one.whole)] for one in months]
    return join(
        prose(
            "Compare the species in ten sessions: months of many and of few sessions stand on one footing there. The "
            "species in all grow with the sessions, and the pooled spotting rate falls with them."
        ),
        table("All trails", (Column("month"), *_GROUP_COLUMNS), rows),
    )


def _benchmark_title(month: MonthFacts) -> str:
    return f"{month.benchmark.n_species} species in {month.benchmark.minutes:g} minutes"


def _benchmarks(month: MonthFacts) -> Markup:
    columns = (
        Column("trail"),
        Column("season"),
        Column("minutes of sound", True),
        Column(f"species expected in {month.benchmark.minutes:g} minutes", True),
        Column(f"minutes to {month.benchmark.n_species} species", True),
        Column("long sessions that had them", True),
    )
    rows = [_benchmark_row(one, month) for one in month.curves]
    drawn = month.curves[:_MAX_TRAILS_DRAWN]
    return join(
        prose(
            "How many species minutes of sound are expected to have, if they are drawn at random from all that was "
            "recorded on the trail in this month. A walk's minutes follow each other and resemble each other: it has "
            f"fewer. The last column counts sessions with at least {month.benchmark.minutes:g} minutes of sound, and "
            "those of them that had the species in time."
        ),
        table("By trail and season", columns, rows),
        *(figure(accumulated(one.accumulation, month.benchmark), f"{one.trail}, {one.season}") for one in drawn),
    )


def _benchmark_row(curve: Curve, month: MonthFacts) -> list[Child]:
    found = curve.accumulation
    to_species, total = found.minutes_to_species, float(found.minutes[-1])
    if to_species.value is None:
        minutes = f"not in {total:.0f}"
    else:
        high = f"{to_species.high:.0f}" if to_species.high is not None else "more than recorded"
        low = f"{to_species.low:.0f}" if to_species.low is not None else ""
        minutes = f"{to_species.value:.0f} ({low} to {high})" if low else f"{to_species.value:.0f}"
    reached = f"{found.n_sessions_reached} of {found.n_long_sessions}" if found.n_long_sessions else "none is as long"
    return [curve.trail, curve.season, f"{total:.0f}", _with_interval(found.species_in_minutes), minutes, reached]


def _activity(month: MonthFacts, zone: str) -> Markup:
    trails = [trail for trail in month.days if trail != ALL]
    shown = [ALL] if len(trails) == 1 else [ALL, *trails[:_MAX_TRAILS_DRAWN]]
    parts: list[Child] = [
        prose(
            "Detections per recorded hour, so that hours in which more was recorded do not look livelier. A dashed "
            f"column is an hour or day of which there is no sound: nothing is known of it. Times are those of {zone}."
        )
    ]
    for trail in shown:
        name = "All trails" if trail == ALL else trail
        parts.append(tag("h3", name))
        hours, days = month.hours[trail, ALL], month.days[trail]
        parts.append(rates(list(hours.values()), [f"{hour}" for hour in hours], 3, "local hour"))
        parts.append(rates(list(days.values()), [f"{day.day}" for day in days], 3, "day of the month"))
    return join(*parts)


def _species(month: MonthFacts) -> Markup:
    columns = (
        Column("species"),
        Column("sessions", True),
        Column("recordings", True),
        Column("detections that count", True),
        Column("confirmed", True),
        Column("found by a person alone", True),
        Column("rejected", True),
        Column("not sure", True),
        Column("nobody listened to", True),
        Column("liveliest hour", True),
    )
    rows = sorted((one for one in month.species if one.trail == ALL), key=lambda one: -one.n_recordings)
    return join(
        prose("Rejected detections and those of which a listener was not sure do not count."),
        table("Of all trails", columns, [_species_row(one, month) for one in rows]),
    )


def _species_row(row: SpeciesRow, month: MonthFacts) -> list[Child]:
    counts = row.n_detections
    name = join(row.common_name or row.scientific_name or row.code)
    if row.common_name and row.scientific_name:
        name = join(name, " ", tag("i", row.scientific_name, class_="latin"))
    hours = month.hours.get((ALL, row.code), {})
    rated = [(one.per_hour, hour) for hour, one in hours.items() if one.per_hour]
    liveliest = max(rated, default=None)
    return [
        name,
        whole(row.n_sessions),
        whole(row.n_recordings),
        whole(_n_accepted(counts)),
        whole(counts["confirmed"]),
        whole(counts["corrected"]),
        whole(counts["rejected"]),
        whole(counts["unsure"]),
        _share(counts["unreviewed"], _n_accepted(counts)),
        NOTHING if liveliest is None else f"{liveliest[1]}:00",
    ]


def _n_accepted(counts: Counter[Status]) -> int:
    return counts["unreviewed"] + counts["confirmed"] + counts["corrected"]


def _share(n: int, n_all: int) -> str:
    return percent(n / n_all if n_all else None)
