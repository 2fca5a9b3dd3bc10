"""The folder of pages, written whole or not at all; what Prometheus does not answer stays as it was, and is marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from monitoring.pages.dashboards import FOLDER as DASHBOARDS
from monitoring.pages.dashboards import Dashboard, read_dashboards
from monitoring.pages.drift_verdict import NewestDrift, newest_drift
from monitoring.pages.facts import FILE, AlertFact, DashboardFact, Facts, ReleaseFact, facts_of
from monitoring.pages.first_page import INDEX, Seen, first_page, moment, unreachable_words
from monitoring.pages.panels import FilledPanel, Period, drawn, filled
from monitoring.pages.prometheus import Prometheus, PrometheusUnreachableError, QueryRefusedError
from monitoring.pages.runbooks import FOLDER as RUNBOOKS
from monitoring.pages.runbooks import rendered, runbook_page, runbook_texts
from silencio.errors import ServingError, SilencioError
from silencio.reports.document import html, prose
from silencio.reports.markup import Markup, join, tag
from silencio.storage import whole_folder, write_atomically

# Where a page that is kept is marked; what Prometheus has to tell is text, so this stands in no page twice.
_STATE = re.compile(r'<div class="state">.*?</div>', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is written.

    Attributes:
        prometheus: Address of Prometheus.
        out: Folder of the pages, for nothing else.
        now: This moment, UTC.
        at: Moment of the pages; None: `now`. An earlier one has no alerts' sentences, which Prometheus does not keep.
        hours: Length of what is drawn, up to that moment.
        drift: Place of drift's verdicts; None: none is shown.
        dashboards: Folder of Grafana's dashboards.
        runbooks: Folder of runbooks.
    """

    prometheus: str
    out: Path
    now: datetime
    at: datetime | None = None
    hours: float = 24.0
    drift: str | None = None
    dashboards: Path = DASHBOARDS
    runbooks: Path = RUNBOOKS

    @property
    def moment(self) -> datetime:
        return self.at or self.now


def write_pages(request: Request) -> Facts:
    """Write all pages.

    Args:
        request: What is written.

    Returns:
        What stands in them.

    Raises:
        ConfigError: The folder holds something else, or a dashboard cannot be read.
        StorageError: They cannot be written; what was there before still is.
        ServingError: The address is none.
    """
    before = facts_of(request.out)
    dashboards = read_dashboards(request.dashboards)
    runbooks = runbook_texts(request.runbooks)
    unreachable: list[str] = []
    pages: dict[str, str] = {}
    try:
        facts, pages = _answered(request, dashboards)
    # A panel shows its own refusal; one of the alerts is of a Prometheus that can answer nothing now.
    except (PrometheusUnreachableError, QueryRefusedError) as error:
        facts = _unanswered(request, before, str(error))
        unreachable.append(f"{error}. The dashboards' pages are those of {moment(facts.answered_at)}.")
        pages = _kept(request.out, facts)
    drift = _drift(request, unreachable)
    seen = Seen(facts, drift, unreachable, sorted(runbooks), request.out)
    with whole_folder(request.out) as folder:
        for name, page in pages.items():
            write_atomically(folder / name, page)
        for alert, text in runbooks.items():
            write_atomically(folder / runbook_page(alert), _runbook(alert, text))
        write_atomically(folder / FILE, facts.model_dump_json(indent=1) + "\n")
        write_atomically(folder / INDEX, first_page(seen))
    return facts


def require_answer(facts: Facts) -> None:
    """The command's outcome, once its pages are written.

    Raises:
        ServingError: Prometheus did not answer: the pages are there, with what is known.
    """
    if facts.unreachable_since is not None:
        raise ServingError(f"{facts.why_unreachable}; the pages are written with what is known without it")


def _answered(request: Request, dashboards: Sequence[Dashboard]) -> tuple[Facts, dict[str, str]]:
    at = request.moment
    with Prometheus(request.prometheus) as prometheus:
        alerts = prometheus.alerts() if request.at is None else prometheus.alerts_at(at)
        period = Period(at - timedelta(hours=request.hours), at, prometheus.scrape_interval())
        pages, shown = {}, []
        for dashboard in dashboards:
            panels = filled(dashboard, prometheus, period)
            pages[f"{dashboard.name}.html"] = _page(dashboard, panels, period)
            shown.append(_dashboard_fact(dashboard, panels))
        releases = _releases(prometheus, at)
    facts = Facts(
        written_at=request.now,
        prometheus=request.prometheus,
        answered_at=at,
        hours=request.hours,
        alerts=tuple(map(AlertFact.of, alerts)),
        releases=releases,
        dashboards=tuple(shown),
    )
    return facts, pages


def _releases(prometheus: Prometheus, at: datetime) -> tuple[ReleaseFact, ...]:
    shares = {
        one.labels.get("release", ""): one.points[0][1] for one in prometheus.instant("silencio_release_share", at)
    }
    states = prometheus.instant("silencio_release_state == 1", at)
    found = {
        (one.labels.get("release", ""), one.labels.get("state", "")): shares.get(one.labels.get("release", ""))
        for one in states
    }
    return tuple(ReleaseFact(release=id_, state=state, share=share) for (id_, state), share in sorted(found.items()))


def _unanswered(request: Request, before: Facts | None, why: str) -> Facts:
    """What was known when Prometheus last answered."""
    since = (before.unreachable_since if before is not None else None) or request.now
    if before is None:
        before = Facts(written_at=request.now, prometheus=request.prometheus, hours=request.hours)
    changed = {
        "written_at": request.now,
        "prometheus": request.prometheus,
        "unreachable_since": since,
        "why_unreachable": why,
    }
    return before.model_copy(update=changed)


def _kept(out: Path, facts: Facts) -> dict[str, str]:
    """The last good pages of dashboards, each with a line at its top that names its age."""
    mark = tag("div", prose(unreachable_words(facts) + " What follows is as old.", class_="alarm"), class_="state")
    kept = {}
    for one in facts.dashboards:
        path = out / f"{one.name}.html"
        if path.is_file():
            kept[path.name] = _STATE.sub(lambda _: mark, path.read_text(encoding="utf-8"), count=1)
    return kept


def _drift(request: Request, unreachable: list[str]) -> NewestDrift | None:
    if request.drift is None:
        return None
    try:
        found = newest_drift(request.drift, request.moment)
    except SilencioError as error:
        unreachable.append(f"Drift's verdict: {error}.")
        return None
    if found is None:
        unreachable.append(f"Drift's verdict: {request.drift} holds no day yet.")
    return found


def _page(dashboard: Dashboard, panels: Sequence[FilledPanel], period: Period) -> str:
    times = f"{period.begin:%Y-%m-%d %H:%M} to {period.end:%Y-%m-%d %H:%M} UTC"
    groups: list[Markup] = []
    side: list[Markup] = []
    for one in panels:
        if one.has_queries:
            side.append(drawn(one))
            continue
        groups += [tag("div", *side, class_="side")] if side else []
        groups.append(drawn(one))
        side = []
    groups += [tag("div", *side, class_="side")] if side else []
    opening = tag(
        "header",
        prose(tag("a", "On call", href=INDEX), f" · {times}", class_="eyebrow"),
        tag("h1", dashboard.title),
        prose(dashboard.description, class_="lead"),
        tag("div", class_="state"),
    )
    return f"{html(dashboard.title, opening, tag('main', *groups))}\n"


def _dashboard_fact(dashboard: Dashboard, panels: Sequence[FilledPanel]) -> DashboardFact:
    return DashboardFact(
        name=dashboard.name,
        title=dashboard.title,
        description=dashboard.description,
        n_panels=sum(one.has_queries for one in panels),
        empty=tuple(one.panel.title for one in panels if one.is_empty and not one.refused),
        refused=tuple(one.panel.title for one in panels if one.refused),
    )


def _runbook(alert: str, text: str) -> str:
    back = tag("header", prose(tag("a", "On call", href=f"../{INDEX}"), class_="eyebrow"))
    return f"{html(f'Runbook: {alert}', join(back, tag('main', rendered(text))))}\n"
