"""The page of all sites on one day: where somebody has to look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from urllib.parse import quote

from monitoring.drift.pages.facts import PageFacts
from monitoring.drift.pages.site import N_WEEKS
from monitoring.drift.pages.words import ACTIONS, CAUSES, OUTCOMES, outcome_words
from silencio.drift.document import DriftDocument, SiteVerdict
from silencio.reports.document import Column, Section, document, prose, table
from silencio.reports.markup import Markup, join, tag
from silencio.reports.wording import NOTHING, count, percent

# By a letter and not by colour alone.
_LETTERS = {"no_change": "\N{CHECK MARK}", "changed": "\N{BALLOT X}", "not_enough": "?", "no_reference": "\N{EN DASH}"}


def page_name(site_id: str) -> str:
    """File name of a site's page.

    Args:
        site_id: As clients send it: any text.
    """
    return f"site={quote(site_id, safe='')}.html"


def index_page(facts: PageFacts) -> str:
    """A whole page.

    Args:
        facts: The day and the weeks before it.
    """
    day = facts.document
    sections = [
        Section("sites", "Sites", _sites(day)),
        Section("weeks", f"The last {N_WEEKS} weeks", _calendar(day, facts.history)),
    ]
    return document(f"Drift on {day.day}", _opening(day), sections)


def _opening(day: DriftDocument) -> Markup:
    alerts = [(site, cause) for site in day.sites for cause in site.causes if cause.alert]
    changed = [site for site in day.sites if site.outcome == "changed"]
    if alerts:
        badge, look = f"{count(len(alerts), 'alert')}", "verdict refused"
        words = "; ".join(f"{site.site_id}: {CAUSES[cause.cause].title}" for site, cause in alerts)
    elif changed:
        badge, look = f"Changed at {count(len(changed), 'site')}, no alert", "verdict"
        words = "An alert takes the same cause on three of four days."
    elif all(site.outcome != "no_change" for site in day.sites):
        badge, look = "Nothing could be compared", "verdict"
        words = "Too little was recorded at every site, or none has a reference yet."
    else:
        badge, look = "Nothing to do", "verdict passed"
        words = "No site that could be compared has changed by what matters."
    return join(
        prose("Drift of all sites", class_="eyebrow"),
        tag("h1", f"{day.day:%A}, {day.day}"),
        prose(tag("span", badge, class_=look), class_="outcome"),
        prose(words, class_="lead"),
        prose(
            f"Bundle {day.bundle_name} {day.bundle_version}; written {day.made_at:%Y-%m-%d %H:%M} UTC.",
            class_="eyebrow",
        ),
    )


def _sites(day: DriftDocument) -> Markup:
    columns = [
        *map(Column, ("site", "verdict", "alert", "what to do")),
        Column("since", True),
        Column("recordings", True),
        Column("expected precision", True),
        Column("by reviews", True),
    ]
    ordered = sorted(
        day.sites, key=lambda one: (not any(cause.alert for cause in one.causes), one.outcome != "changed")
    )
    classes = ["bad" if site.outcome == "changed" else "" for site in ordered]
    return table("Sites, those with an alert first", columns, [_row(site) for site in ordered], classes)


def _row(site: SiteVerdict) -> list[str | None]:
    first = site.causes[0] if site.causes else None
    return [
        tag("a", site.site_id, href=quote(page_name(site.site_id))),
        outcome_words(site.outcome, tuple(one.cause for one in site.causes)),
        "\N{BALLOT X} due" if any(one.alert for one in site.causes) else "",
        NOTHING if first is None else ACTIONS[first.action],
        NOTHING if first is None else f"{first.since}",
        f"{site.n_recordings:,}",
        percent(site.expected_precision),
        percent(site.review_precision),
    ]


def _calendar(day: DriftDocument, history: Sequence[DriftDocument]) -> Markup:
    first = day.day - timedelta(weeks=N_WEEKS) + timedelta(days=1)
    # The newest first: what is wanted is seen before anything is scrolled.
    days = [day.day - timedelta(days=n) for n in range((day.day - first).days + 1)]
    known = {one.day: {site.site_id: site for site in one.sites} for one in history}
    columns = [Column("site"), *(Column(f"{one:%d}") for one in days)]
    rows: list[list[str | None]] = [
        [site.site_id, *(_letter(known.get(one, {}).get(site.site_id), one) for one in days)] for site in day.sites
    ]
    key = ", ".join(f"{_LETTERS[outcome]} {words.lower()}" for outcome, (words, _) in OUTCOMES.items())
    return join(
        prose(f"From {day.day} back to {first}: {key}; empty: no run."), table("Verdicts by day", columns, rows)
    )


def _letter(site: SiteVerdict | None, day: date) -> Markup | None:
    if site is None:
        return None
    words = outcome_words(site.outcome, tuple(one.cause for one in site.causes))
    return tag("span", _LETTERS[site.outcome], title=f"{day}: {words}")
