"""What the month must have shown: each alert for its cause, in its days and at its sites, and no other; full panels."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.month.play import DayFound
from benchmarks.month.story import SITES, Disturbance, Story

# Three days of four: due on the third day of a cause, and until only two of the last four have it.
_DUE_AFTER, _ENDS_AFTER = 2, 2
_ALL_SITES = frozenset(site.site_id for site in SITES)
# A loss of precision is what a broken model is; of other causes Alertmanager keeps it back.
_PRECISION = ("SilencioExpectedPrecisionLow", "SilencioReviewPrecisionLow")
# By name, the recorded files of a cluster that is not here do not move, and rates of them are zero: no panel is empty.
ALLOWED_EMPTY: dict[str, tuple[str, ...]] = {}


def faults(story: Story, days: Sequence[DayFound], notified: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """Everything that is not as it must be, one sentence each.

    Args:
        story: The plot.
        days: What each day showed.
        notified: What people were sent: receiver, alert, site, status.
    """
    watched = [day for day in days if day.empty is not None]
    found = []
    for one in story.disturbances:
        found += _missing(one, watched)
    for day in watched:
        found += _unwanted(story, day)
    found += _empty(story, watched)
    found += _notified(story, notified)
    return found


def _missing(one: Disturbance, days: Sequence[DayFound]) -> list[str]:
    found = []
    for site in sorted(one.sites):
        named = [day.number for day in days if any(x.rstrip("!") == one.cause for x in day.verdicts.get(site, ()))]
        fired = [day.number for day in days if (one.alert, site) in day.firing]
        if not set(named) & set(range(one.first_day, one.first_day + one.n_days)):
            found.append(f"{one.condition} at {site}: no day's verdict names {one.cause}")
        if not any(one.holds(number) for number in fired):
            found.append(f"{one.condition} at {site}: {one.alert} never fired while it lasted")
    return found


def _unwanted(story: Story, day: DayFound) -> list[str]:
    found = []
    for alert, site in sorted(day.firing):
        reasons = [
            one
            for one in story.disturbances
            if (site in one.sites or not site)
            and (one.alert == alert or (one.condition == "broken" and alert in _PRECISION))
            and one.first_day + _DUE_AFTER <= day.number <= one.first_day + one.n_days - 1 + _ENDS_AFTER
        ]
        disturbed = [
            one
            for one in story.disturbances
            if site in one.sites and one.first_day <= day.number <= one.first_day + one.n_days + _ENDS_AFTER
        ]
        # Kept back by Alertmanager where a cause is known: it may stand in Prometheus, and `_notified` looks at it.
        if not reasons and not (alert in _PRECISION and disturbed):
            found.append(f"day {day.number}: {alert} fires{f' at {site}' if site else ''} without its cause")
    return found


def _empty(story: Story, days: Sequence[DayFound]) -> list[str]:
    """Panels that are empty on the last day of a disturbance: the moments of which pages are kept."""
    moments = {one.first_day + one.n_days - 1: one.condition for one in story.disturbances}
    return [
        f"{moments[day.number]}: panel {title!r} of {board} is empty"
        for day in days
        if day.number in moments
        for board, titles in (day.empty or {}).items()
        for title in titles
        if title not in ALLOWED_EMPTY.get(board, ())
    ]


def _notified(story: Story, notified: Sequence[tuple[str, str, str, str]]) -> list[str]:
    expected = {one.alert for one in story.disturbances}
    sent = {alert for _, alert, _, status in notified if status == "firing"}
    found = [f"nobody was sent {alert}" for alert in sorted(expected - sent)]
    is_broken = any(one.condition == "broken" for one in story.disturbances)
    allowed = expected | (set(_PRECISION) if is_broken else set())
    found += [f"people were sent {alert}, which has no cause" for alert in sorted(sent - allowed)]
    places = {one.alert: one.sites for one in story.disturbances} | dict.fromkeys(_PRECISION, _ALL_SITES)
    elsewhere = sorted(
        {(alert, site) for _, alert, site, _ in notified if alert in places and site not in places[alert]}
    )
    return [
        *found,
        *(f"people were sent {alert} of {site or 'no site'}, which has no cause" for alert, site in elsewhere),
    ]
