"""The first screen of a release's page: where it stands, since when, by whom, and why."""

from __future__ import annotations

from datetime import datetime

from silencio.reports.document import prose
from silencio.reports.markup import Markup, join, tag
from silencio.reports.release.facts import ReleaseFacts
from silencio.reports.release.words import STATES
from silencio.reports.wording import count

_SIGNS = {"passed": "\N{CHECK MARK} ", "refused": "\N{BALLOT X} ", "": ""}


def opening(facts: ReleaseFacts) -> Markup:
    """What a release owner must know who reads nothing else."""
    headline = facts.headline
    words = STATES[headline.state]
    look = " ".join(("verdict", words.look)).strip()
    return join(
        prose(f"Release {headline.release_id}", class_="eyebrow"),
        tag("h1", title(facts)),
        prose(tag("span", f"{_SIGNS[words.look]}{words.title}", class_=look), f" {words.means}", class_="outcome"),
        prose(facts.why, class_="lead"),
        None if headline.under_way is None else prose(f"Being done, not confirmed yet: {headline.under_way}."),
        prose(tag("b", "What follows: "), facts.next),
        tag("dl", *_tiles(facts), class_="tiles"),
        prose(f"Written {when(facts.written_at)}.", class_="eyebrow"),
    )


def title(facts: ReleaseFacts) -> str:
    """`Bundle 13 instead of bundle 12`."""
    headline = facts.headline
    return f"Bundle {headline.challenger.version} instead of bundle {headline.champion.version}"


def when(at: str) -> str:
    """A time as people read it: `2026-11-30 07:05 UTC`.

    Args:
        at: ISO 8601 with its offset.
    """
    time = datetime.fromisoformat(at)
    return f"{time:%Y-%m-%d %H:%M} {time.tzname() or ''}".rstrip()


def _tiles(facts: ReleaseFacts) -> list[Markup]:
    headline, exposure = facts.headline, facts.exposure
    step = f"step {headline.step + 1} of {headline.n_steps}"
    tiles = [
        _tile(f"{headline.share_percent:g} %", "of new sessions meet it", step),
        _tile(when(headline.since), "since", f"by {headline.by}" if headline.by else "by nobody who is named"),
        _tile(f"{exposure.units:,}", "sessions met it", count(exposure.requests, "request")),
        _tile(
            f"{exposure.failed_requests:,}",
            "of their requests failed",
            f"{exposure.expected_failures:.1f} would have with the champion",
        ),
    ]
    if headline.decided_by is not None:
        tiles.insert(1, _tile(headline.decided_by, "is the rule that decided", "see its row below"))
    return tiles


def _tile(value: str, name: str, note: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", tag("b", value), tag("small", note)))
