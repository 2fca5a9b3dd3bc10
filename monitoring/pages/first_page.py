"""The page that whoever is called opens first: what fires, what to do, and what could not be reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitoring.pages.drift_verdict import NewestDrift, drift_table
from monitoring.pages.facts import AlertFact, Facts
from monitoring.pages.runbooks import runbook_page
from silencio.reports.document import Column, Section, bullets, document, prose, table
from silencio.reports.markup import Child, Markup, join, tag
from silencio.reports.wording import NOTHING, count, percent

INDEX = "index.html"
_SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True)
class Seen:
    """What the first page tells.

    Attributes:
        facts: What Prometheus had, now or when it last answered.
        drift: The newest verdict; None: there is none, or no place was named.
        unreachable: What could not be reached, and why, one sentence each.
        runbooks: Names of alerts that have one.
        out: Folder of the pages.
    """

    facts: Facts
    drift: NewestDrift | None
    unreachable: Sequence[str]
    runbooks: Sequence[str]
    out: Path


def first_page(seen: Seen) -> str:
    """The whole page: no script, nothing from elsewhere."""
    facts = seen.facts
    firing = [one for one in facts.alerts if one.state == "firing"]
    sections = [
        Section("alerts", "Alerts", _alerts(firing, facts, seen.runbooks)),
        Section("drift", "Drift", _drift(seen)),
        Section("release", "Release", _release(facts)),
        Section("dashboards", "Dashboards", _dashboards(facts)),
        Section("runbooks", "Runbooks", _runbooks(seen.runbooks)),
        Section("unreachable", "What could not be reached", _unreachable(seen.unreachable)),
    ]
    return document(f"Silencio: {_outcome(firing, facts)[0].lower()}", _opening(firing, seen), sections)


def moment(at: datetime | None) -> str:
    """`2026-11-30 07:05 UTC`."""
    return NOTHING if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def unreachable_words(facts: Facts) -> str:
    """Since when Prometheus does not answer, and of when its numbers are."""
    last = "it has not answered here yet" if facts.answered_at is None else f"it last did {moment(facts.answered_at)}"
    return f"Prometheus has not answered since {moment(facts.unreachable_since)}; {last}."


def _outcome(firing: Sequence[AlertFact], facts: Facts) -> tuple[str, str]:
    if facts.unreachable_since is not None:
        return "Prometheus does not answer", "refused"
    if firing:
        n_critical = sum(one.labels.get("severity") == "critical" for one in firing)
        critical = f", {n_critical} critical" if n_critical else ""
        return f"{count(len(firing), 'alert')} firing{critical}", "refused"
    return "Nothing fires", "passed"


def _opening(firing: Sequence[AlertFact], seen: Seen) -> Markup:
    facts = seen.facts
    words, look = _outcome(firing, facts)
    sign = "\N{CHECK MARK} " if look == "passed" else "\N{BALLOT X} "
    n_empty = sum(len(one.empty) + len(one.refused) for one in facts.dashboards)
    n_panels = sum(one.n_panels for one in facts.dashboards)
    lead = (
        unreachable_words(facts) + " Below is what was known then; whether more fires by now, nobody knows."
        if facts.unreachable_since is not None
        else "Read the alerts first, each with its runbook; then what has drifted."
    )
    pending = sum(one.state == "pending" for one in facts.alerts)
    tiles = (
        ("firing", str(len(firing)), f"{pending} pending"),
        ("sites that changed", _changed(seen.drift), _day(seen.drift)),
        ("panels with numbers", f"{n_panels - n_empty} of {n_panels}", count(len(facts.dashboards), "dashboard")),
        ("not reached", str(len(seen.unreachable)), "see the last section"),
    )
    return join(
        prose(f"As of {moment(facts.answered_at)}, of {facts.prometheus}", class_="eyebrow"),
        tag("h1", "Silencio: on call"),
        prose(tag("span", sign, words, class_=f"verdict {look}"), class_="outcome"),
        prose(lead, class_="lead"),
        tag("dl", *(_tile(*one) for one in tiles), class_="tiles"),
        prose(f"Written {moment(facts.written_at)}.", class_="eyebrow"),
    )


def _tile(name: str, value: str, note: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", tag("b", value), tag("small", note)))


def _changed(drift: NewestDrift | None) -> str:
    return NOTHING if drift is None else str(sum(one.outcome == "changed" for one in drift.document.sites))


def _day(drift: NewestDrift | None) -> str:
    return "no verdict" if drift is None else f"of {len(drift.document.sites)}, on {drift.document.day}"


def _alerts(firing: Sequence[AlertFact], facts: Facts, runbooks: Sequence[str]) -> Markup:
    if facts.answered_at is None:
        return prose("Not known: Prometheus has never answered here.")
    pending = sorted({one.name for one in facts.alerts if one.state == "pending"})
    waiting = prose(f"Pending, not firing yet: {', '.join(pending)}.") if pending else None
    if not firing:
        return join(prose("No alert is firing."), waiting)
    columns = [Column(head) for head in ("alert", "severity", "what", "since", "where", "what to do")]
    ordered = sorted(firing, key=lambda one: (_severity(one.labels), one.name, sorted(one.labels.items())))
    rows: list[list[Child]] = []
    for one in ordered:
        where = ", ".join(f"{key}={value}" for key, value in sorted(one.labels.items()) if key != "severity")
        what = join(one.summary or one.description or NOTHING, _more(one))
        runbook: Child = "no runbook"
        if one.name in runbooks:
            runbook = tag("a", f"runbook of {one.name}", href=runbook_page(one.name))
        rows.append([one.name, one.labels.get("severity", NOTHING), what, moment(one.since), where, runbook])
    classes = ["bad" if one.labels.get("severity") == "critical" else "" for one in ordered]
    intro = "As Prometheus evaluates them; which are silenced, only Alertmanager knows."
    return join(prose(intro), table("Alerts that fire", columns, rows, classes, caption_shown=False), waiting)


def _more(one: AlertFact) -> Markup | None:
    if not (one.summary and one.description):
        return None
    return join(Markup("<br>"), tag("small", one.description))


def _severity(labels: Mapping[str, str]) -> int:
    severity = labels.get("severity", "")
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)


def _drift(seen: Seen) -> Markup:
    if seen.drift is None:
        return prose("No verdict is at hand: see what could not be reached, or name its place by --drift.")
    return drift_table(seen.drift, seen.out)


def _release(facts: Facts) -> Markup:
    if not facts.releases:
        return prose("No release is under way that Prometheus knows of.")
    columns = [Column("release"), Column("state"), Column("share of new sessions", True)]
    rows = [[one.release, one.state.replace("_", " "), percent(one.share)] for one in facts.releases]
    return table("Releases", columns, rows, caption_shown=False)


def _dashboards(facts: Facts) -> Markup:
    if not facts.dashboards:
        return prose("None is written yet: Prometheus has never answered here.")
    columns = [Column("dashboard"), Column("panels", True), Column("empty"), Column("what it is for")]
    rows: list[list[Child]] = [
        [
            tag("a", one.title, href=f"{one.name}.html"),
            str(one.n_panels),
            ", ".join((*one.empty, *(f"{title} (refused)" for title in one.refused))) or "none",
            one.description,
        ]
        for one in facts.dashboards
    ]
    return table("Dashboards", columns, rows, caption_shown=False)


def _runbooks(names: Sequence[str]) -> Markup:
    if not names:
        return prose("None is written yet.")
    return bullets([tag("a", name, href=runbook_page(name)) for name in names])


def _unreachable(lines: Sequence[str]) -> Markup:
    return bullets(lines, "cautions") if lines else prose("Nothing: everything answered.")
