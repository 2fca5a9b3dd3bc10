"""Exposure, licences, history and links of a release's page."""

from __future__ import annotations

import re

from silencio.reports.document import Column, Section, bullets, prose, table
from silencio.reports.markup import Child, join, tag
from silencio.reports.release.facts import BundleFacts, ExposureRow, Link, ReleaseFacts
from silencio.reports.release.opening import when
from silencio.reports.release.words import STATES
from silencio.reports.wording import NOTHING, count, hours

# Whatever else a link may say (javascript:, data:) is shown as text.
_SAFE = re.compile(r"(https?://|[\w./#-]+(?![\w:./#-]))", re.ASCII)


def exposure(facts: ReleaseFacts) -> Section:
    """What visitors met, step by step."""
    found = facts.exposure
    caused = max(0.0, found.failed_requests - found.expected_failures)
    words = (
        f"The challenger answered {count(found.requests, 'request')} of {count(found.units, 'session')} of visitors. "
        f"{found.failed_requests:,} of them failed; at the champion's rate it would have been "
        f"{found.expected_failures:.1f}, so the release caused about {caused:.1f}."
    )
    if not found.rows:
        return Section(
            "exposure", "What visitors met", prose("Nobody has met the challenger, no simulated user either.")
        )
    columns = [Column("step"), Column("counted", True)]
    names = ("requests", "failed", "sessions", "failed", "slow", "rejected")
    columns += [Column(f"{name} (champion)", True) for name in names] + [Column(name, True) for name in names]
    rows = [_exposure_row(one) for one in found.rows]
    note = "A request without a session counts as a session of its own; a session counts once in a step."
    return Section("exposure", "What visitors met", join(prose(words), table("By step", columns, rows), prose(note)))


def licences(facts: ReleaseFacts) -> Section:
    """What either bundle is, and what may be done with it."""
    arms = (("champion", facts.headline.champion), ("challenger", facts.headline.challenger))
    columns = [Column("arm"), Column("version"), Column("may be used"), Column("manifest"), Column("served from")]
    rows = [_bundle_row(name, one) for name, one in arms]
    change = facts.licence_change
    parts = [prose(change, class_="alarm") if change else prose("Licences allow the same of both bundles.")]
    if facts.headline.champion.licence is None and facts.headline.challenger.licence is None:
        parts = [prose("What the licences allow is not known here.")]
    return Section("licences", "Bundles and licences", join(*parts, table("Both bundles", columns, rows)))


def history(facts: ReleaseFacts) -> Section:
    """All that happened, and where there is more."""
    columns = [Column("when"), Column("state"), Column("share", True), Column("why"), Column("by")]
    rows: list[list[Child]] = [
        [when(one.at), STATES[one.state].title, f"{one.share_percent:g} %", one.why or NOTHING, one.by or NOTHING]
        for one in facts.history
    ]
    body = table("History", columns, rows, caption_shown=False) if rows else prose("Nothing has happened yet.")
    links = bullets([_link(one) for one in facts.links]) if facts.links else None
    return Section("history", "History and links", join(body, links))


def _exposure_row(one: ExposureRow) -> list[Child]:
    name = "simulated users, 0 %" if one.is_simulated else f"{one.share_percent:g} %"
    values = [
        f"{value:,}"
        for arm in (one.champion, one.challenger)
        for value in (
            arm.requests,
            arm.failed_requests,
            arm.units,
            arm.failed_units,
            arm.slow_units,
            arm.rejected_units,
        )
    ]
    return [name, hours(one.duration_s), *values]


def _bundle_row(name: str, one: BundleFacts) -> list[Child]:
    return [name, one.version, one.licence or "unknown", tag("code", one.manifest_sha256[:12]), tag("code", one.place)]


def _link(one: Link) -> Child:
    if not is_safe(one.address):
        return f"{one.name}: {one.address}"
    return tag("a", one.name, href=one.address)


def is_safe(address: str) -> bool:
    """Whether a browser that follows it goes to a page and nothing else.

    Args:
        address: URL or path.
    """
    return _SAFE.match(address) is not None
