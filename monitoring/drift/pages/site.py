"""The page of one site: what changed, since when, where, how sure, what to do; then the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from monitoring.drift.pages.facts import ExplainedPrediction, PageFacts, SiteFacts, TypicalWindow, WindowPair
from monitoring.drift.pages.timeline import signal_lines, timeline
from monitoring.drift.pages.words import (
    ACTIONS,
    CAUSES,
    CERTAINTIES,
    OUTCOMES,
    effect_words,
    outcome_words,
    signal_words,
    threshold_words,
    value_words,
)
from silencio.drift.document import CauseFound, DriftDocument, SignalChange, SiteVerdict
from silencio.features import FeatureSpec
from silencio.reports.document import Column, Section, bullets, document, figure, prose, side_by_side, table
from silencio.reports.importance_picture import importance_picture
from silencio.reports.markup import Markup, join, tag
from silencio.reports.sound_picture import sound_picture
from silencio.reports.wording import NOTHING, between, count, listed, minus, percent

N_WEEKS = 4
_N_LINES, _MAX_ROWS = 6, 40


def site_page(site: SiteVerdict, facts: PageFacts) -> str:
    """A whole page.

    Args:
        site: Verdict of the site.
        facts: What else is known.
    """
    known = facts.sites.get(site.site_id, SiteFacts())
    sections = [
        *(_cause(number, cause) for number, cause in enumerate(site.causes)),
        _lines(site, facts),
        _windows(known, facts.spec),
        _importance(site),
        _signals(site),
        _detections(site),
        _inputs(known, facts.document),
    ]
    day = facts.document.day
    title = f"{site.site_id}, {day}: {OUTCOMES[site.outcome][0].lower()}"
    return document(title, _opening(site, facts.document), [one for one in sections if one is not None])


def _opening(site: SiteVerdict, day: DriftDocument) -> Markup:
    first = site.causes[0] if site.causes else None
    look = " ".join(("verdict", OUTCOMES[site.outcome][1])).strip()
    badge = outcome_words(site.outcome, tuple(one.cause for one in site.causes))
    rows = () if first is None else _answers(first)
    return join(
        prose(tag("a", f"All sites on {day.day}", href="index.html"), class_="eyebrow"),
        tag("h1", f"Site {site.site_id}"),
        prose(tag("span", badge, class_=look), class_="outcome"),
        prose(site.message, class_="lead"),
        *rows,
        tag("dl", *_tiles(site), class_="tiles"),
        prose(f"Day {day.day}, bundle {day.bundle_name} {day.bundle_version}; {_made(day)}.", class_="eyebrow"),
    )


def _answers(cause: CauseFound) -> tuple[Markup, ...]:
    """The five questions of who is called at night."""
    where = listed(cause.devices) if cause.devices else "the whole site"
    alert = "an alert is due" if cause.alert else "no alert: that takes three of four"
    return (
        prose(tag("b", "What changed: "), f"{CAUSES[cause.cause].title}. {CAUSES[cause.cause].means}"),
        prose(
            tag("b", "Since when: "),
            f"{cause.since}, on {cause.n_days_of_four} of the last four days that were compared ({alert}).",
        ),
        prose(tag("b", "Where: "), f"{where}."),
        prose(tag("b", "How sure: "), f"{CERTAINTIES[cause.certainty]}."),
        prose(tag("b", "What to do: "), ACTIONS[cause.action]),
    )


def _tiles(site: SiteVerdict) -> list[Markup]:
    reviewed = f"of {count(site.n_reviews, 'review')}" if site.n_reviews else "nothing was reviewed"
    interval = between(site.review_interval)
    return [
        _tile(f"{site.n_recordings:,}", "recordings", f"of {count(site.n_devices, 'recorder')}"),
        _tile(percent(site.expected_precision), "expected precision", _reference(site)),
        _tile(
            percent(site.review_precision),
            "precision by reviews",
            reviewed if interval == NOTHING else f"{reviewed}: {interval}",
        ),
    ]


def _reference(site: SiteVerdict) -> str:
    return f"{percent(site.expected_precision_reference)} in the reference"


def _tile(value: str, name: str, note: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", tag("b", value), tag("small", note)))


def _made(day: DriftDocument) -> str:
    return f"written {day.made_at:%Y-%m-%d %H:%M} {day.made_at.tzname() or ''}".rstrip()


def _cause(number: int, cause: CauseFound) -> Section:
    words = CAUSES[cause.cause]
    more = () if number == 0 else _answers(cause)
    evidence = bullets([minus(one) for one in cause.evidence]) if cause.evidence else prose("None was recorded.")
    body = join(*more, prose("What speaks for it:"), evidence)
    return Section(f"cause-{number}", f"Evidence: {words.title}", body)


def _lines(site: SiteVerdict, facts: PageFacts) -> Section | None:
    last = facts.document.day
    first = last - timedelta(weeks=N_WEEKS)
    lines = signal_lines(site.site_id, [one for one in facts.history if first <= one.day <= last], _N_LINES)
    if not lines:
        return None
    pictures = [
        figure(timeline(line, first, last), f"{signal_words(line.last.signal)}, {_where(line.last)}") for line in lines
    ]
    words = prose(
        "The signals that are furthest from their reference. The band is where they do not matter, the dashed line the "
        "reference; a square is a day beyond effect and error rate, a dot any other day."
    )
    return Section("weeks", f"The last {N_WEEKS} weeks", join(words, side_by_side(*pictures)))


def _where(change: SignalChange) -> str:
    device = change.device_id or "whole site"
    return device if change.day_part == "all" else f"{device}, {change.day_part}"


def _windows(known: SiteFacts, spec: FeatureSpec) -> Section | None:
    title = "How it sounds, before and after"
    if not known.windows:
        return Section("windows", title, prose(known.why_no_sound)) if known.why_no_sound else None
    words = prose(
        "Windows whose sound is nearest to the median of the reference and of the day. Each picture has its own scale "
        "of levels: compare shapes here, levels in the table."
    )
    missing = prose(known.why_no_sound) if known.why_no_sound else None
    return Section("windows", title, join(words, missing, *(_pair(one, spec) for one in known.windows)))


def _pair(pair: WindowPair, spec: FeatureSpec) -> Markup:
    parts = [
        _window(when, window, spec)
        for when, windows in (("Reference", pair.before), ("This day", pair.after))
        for window in windows
    ]
    return join(tag("h3", pair.device_id), side_by_side(*parts))


def _window(when: str, window: TypicalWindow, spec: FeatureSpec) -> Markup:
    words = f"{when}: {window.recorded_at}, from {window.start_s:g} s. {minus(window.facts)}"
    if window.waveform is None:
        name = tag("code", window.recording_sha256[:12])
        return tag("div", prose(words), prose("The recording ", name, " is not at hand.", class_="more"))
    label = f"Spectrogram of a window of {window.device_id}. {words}"
    return join(
        figure(sound_picture(window.waveform, spec, window.start_s, label), words),
        None if window.explained is None else _explained(window.waveform, window.start_s, window.explained, spec),
    )


def _explained(waveform: NDArray[np.int16], start_s: float, one: ExplainedPrediction, spec: FeatureSpec) -> Markup:
    words = f"In orange: what {one.code} rests on, the most probable species here ({one.explanation.probability:.0%})."
    return figure(importance_picture(waveform, spec, one.explanation, words, begin_s=start_s), words)


def _importance(site: SiteVerdict) -> Section | None:
    if site.importance is None:
        return None
    return Section("importance", "What predictions rest on", prose(minus(site.importance.message)))


def _signals(site: SiteVerdict) -> Section | None:
    if not site.signals:
        return None
    columns = [
        Column("signal"),
        Column("beyond both"),
        Column("where"),
        *(Column(name, True) for name in ("reference", "now", "effect", "matters from", "q", "recordings")),
    ]
    shown = site.signals[:_MAX_ROWS]
    rows = [_row(one) for one in shown]
    classes = ["bad" if one.alarm else "" for one in shown]
    left_out = len(site.signals) - len(shown)
    more = prose(f"and {left_out} more, all of them in drift.json", class_="more") if left_out > 0 else None
    words = prose(
        "The largest effect over its threshold first. A signal speaks for a change where it is beyond both: the effect "
        "matters, and q, the p-value after the correction for all signals and recorders, is small."
    )
    return Section("signals", "Every signal", join(words, table("Signals", columns, rows, classes), more))


def _row(one: SignalChange) -> list[str | None]:
    return [
        signal_words(one.signal),
        "\N{BALLOT X} yes" if one.alarm else "",
        _where(one),
        minus(value_words(one.reference, one)),
        minus(value_words(one.current, one)),
        minus(effect_words(one)),
        threshold_words(one),
        f"{one.q:.3f}",
        f"{one.n_recordings:,} / {one.n_reference:,}",
    ]


def _detections(site: SiteVerdict) -> Section | None:
    if not site.detections_by_species:
        return None
    rows: Sequence[Sequence[str]] = [[code, f"{n:,}"] for code, n in site.detections_by_species.items()]
    columns = [Column("species"), Column("detections", True)]
    return Section("detections", "Detections of the day", table("The most frequent species", columns, rows))


def _inputs(known: SiteFacts, day: DriftDocument) -> Section:
    pages = [tag("a", name, href=name) for name in (*known.evidently, "drift.json", "inputs.json")]
    lines = [join("More: ", *_separated(pages)), join("Thresholds: ", tag("code", day.policy_sha256[:12]))]
    return Section("inputs", "What was compared", bullets([*known.references, *known.notes, *lines]))


def _separated(parts: Sequence[Markup]) -> list[Markup]:
    found: list[Markup] = []
    for number, one in enumerate(parts):
        found += [Markup(", "), one] if number else [one]
    return found
