"""A dashboard's panels with what Prometheus has of them: asked once, drawn as pictures, numbers or tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.pages.dashboards import Dashboard, Panel, Query
from monitoring.pages.expressions import series_name, substituted
from monitoring.pages.prometheus import Prometheus, QueryRefusedError, Series
from monitoring.pages.runbooks import rendered
from monitoring.pages.time_lines import Axes, Line, time_lines
from monitoring.pages.units import shown
from silencio.reports.document import Column, prose, table
from silencio.reports.markup import Child, Markup, join, tag
from silencio.reports.wording import count

_N_STEPS = 240
_MIN_STEP_S = 1.0
_MAX_ROWS = 50
# Of one number, or one a series; all others are drawn over time.
_NUMBER_KINDS = {"stat", "gauge"}
_TABLE_KINDS = {"table", "bargauge", "piechart", "barchart"}
# Grafana's own lists, which no query fills.
_WITHOUT_QUERIES = {"row", "text"}


@dataclass(frozen=True)
class Period:
    """What is drawn.

    Attributes:
        begin: First moment.
        end: Last moment.
        scrape: Time between two scrapes.
    """

    begin: datetime
    end: datetime
    scrape: timedelta

    @property
    def range_s(self) -> float:
        return (self.end - self.begin).total_seconds()

    @property
    def step_s(self) -> float:
        """Whole seconds between two points."""
        return max(_MIN_STEP_S, math.ceil(self.range_s / _N_STEPS))


@dataclass(frozen=True)
class Answer:
    """What a panel's query found.

    Attributes:
        query: The query.
        promql: PromQL as Prometheus was given it.
        series: What it found.
        refused: Why Prometheus did not take it; empty where it did.
    """

    query: Query
    promql: str
    series: tuple[Series, ...]
    refused: str = ""


@dataclass(frozen=True)
class FilledPanel:
    """A panel and its answers.

    Attributes:
        panel: The panel.
        answers: One a query.
        period: What is drawn.
    """

    panel: Panel
    answers: tuple[Answer, ...]
    period: Period

    @property
    def has_queries(self) -> bool:
        return self.panel.kind not in _WITHOUT_QUERIES

    @property
    def is_empty(self) -> bool:
        """Whether it should show something and no query found a number."""
        return self.has_queries and not any(
            math.isfinite(value) for one in self.answers for series in one.series for _, value in series.points
        )

    @property
    def refused(self) -> tuple[str, ...]:
        return tuple(one.refused for one in self.answers if one.refused)


def filled(dashboard: Dashboard, prometheus: Prometheus, period: Period) -> tuple[FilledPanel, ...]:
    """Every panel with what its queries find.

    Args:
        dashboard: The dashboard.
        prometheus: Where its queries are run.
        period: What is drawn.

    Raises:
        PrometheusUnreachableError: Prometheus does not answer; what it refuses stands in the panel.
    """
    panels = []
    for panel in dashboard.panels:
        answers = tuple(_answer(query, panel, dashboard.variables, prometheus, period) for query in panel.queries)
        panels.append(FilledPanel(panel, answers, period))
    return tuple(panels)


def _answer(query: Query, panel: Panel, variables: Mapping[str, str], prometheus: Prometheus, period: Period) -> Answer:
    step_s = period.range_s if query.instant else period.step_s
    expr = substituted(
        query.expr,
        variables,
        step_s=period.step_s if not query.instant else min(step_s, period.step_s),
        scrape_s=period.scrape.total_seconds(),
        range_s=period.range_s,
    )
    try:
        if query.instant:
            found = prometheus.instant(expr, period.end)
        else:
            found = prometheus.between(expr, period.begin, period.end, step_s)
    except QueryRefusedError as error:
        return Answer(query, expr, (), str(error))
    return Answer(query, expr, found)


def drawn(one: FilledPanel) -> Markup:
    """The panel as part of a page: what it shows, its words and its queries."""
    panel = one.panel
    if panel.kind == "row":
        return tag("h2", panel.title)
    if panel.kind == "text":
        return join(tag("h3", panel.title) if panel.title else None, rendered(panel.text))
    parts: list[Child] = [tag("h3", panel.title)]
    parts += [prose(f"Prometheus does not take a query of this panel: {why}", class_="alarm") for why in one.refused]
    if one.is_empty and not one.refused:
        parts.append(_nothing(one))
    elif not one.is_empty:
        picture: Callable[[FilledPanel], Markup] = _lines
        if panel.kind in _NUMBER_KINDS:
            picture = _numbers
        elif panel.kind in _TABLE_KINDS:
            picture = _table
        parts.append(picture(one))
    queries = (tag("p", tag("code", answer.promql)) for answer in one.answers)
    n_queries = "Query" if len(one.answers) == 1 else f"{len(one.answers)} queries"
    # Of an empty panel the query is what is looked at next.
    looked_at = tag("details", tag("summary", n_queries), *queries, open=one.is_empty)
    caption = tag("figcaption", panel.description, looked_at)
    return tag("figure", *parts, caption, class_="panel all" if panel.is_wide else "panel")


def _nothing(one: FilledPanel) -> Markup:
    """An empty panel in plain words: what was asked, and of which time."""
    n = count(len(one.answers), "query", "queries")
    if all(answer.query.instant for answer in one.answers):
        return prose(f"Empty: {n} found no number at {one.period.end:%Y-%m-%d %H:%M} UTC.", class_="empty")
    times = f"between {one.period.begin:%Y-%m-%d %H:%M} and {one.period.end:%Y-%m-%d %H:%M} UTC"
    return prose(f"Empty: {n} found no number {times}.", class_="empty")


def _named(one: FilledPanel) -> list[Line]:
    """Every series that has a number, by its name: without the labels that all of them share."""
    with_numbers = [
        (answer.query.legend, series.labels, points)
        for answer in one.answers
        for series in answer.series
        if (points := tuple(point for point in series.points if math.isfinite(point[1])))
    ]
    every = [set(labels.items()) for _, labels, _ in with_numbers]
    shared = set.intersection(*every) if len(every) > 1 else set()
    return [
        Line(series_name(legend, labels if legend else dict(labels.items() - shared)), points)
        for legend, labels, points in with_numbers
    ]


def _lines(one: FilledPanel) -> Markup:
    panel, period = one.panel, one.period
    axes = Axes(
        begin_s=period.begin.timestamp(),
        end_s=period.end.timestamp(),
        step_s=period.step_s,
        unit=panel.unit,
        decimals=panel.decimals,
        minimum=panel.minimum,
        maximum=panel.maximum,
        limits=panel.limits,
    )
    return time_lines(panel.title, _named(one), axes)


def _numbers(one: FilledPanel) -> Markup:
    tiles = []
    for line in _named(one)[:_MAX_ROWS]:
        at_s, value = line.points[-1]
        age_s = one.period.end.timestamp() - at_s
        old = f"as of {datetime.fromtimestamp(at_s, one.period.end.tzinfo):%m-%d %H:%M}" if age_s > 60 else None
        name = line.name if line.name not in ("value", "all") else one.panel.title
        tiles.append(tag("div", tag("dt", name), tag("dd", tag("b", _cell(value, one.panel)), tag("small", old))))
    return tag("dl", *tiles, class_="tiles")


def _table(one: FilledPanel) -> Markup:
    """One row a series: its labels, then the value of each query."""
    keys = sorted({key for answer in one.answers for series in answer.series for key in series.labels} - {"__name__"})
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for answer in one.answers:
        for series in answer.series:
            row = rows.setdefault(tuple(series.labels.get(key, "") for key in keys), {})
            row[answer.query.ref] = _cell(series.points[-1][1], one.panel)
    refs = [answer.query.ref for answer in one.answers]
    heads = ["value"] if len(refs) == 1 else [answer.query.legend or answer.query.ref for answer in one.answers]
    columns = [*(Column(key) for key in keys), *(Column(head, True) for head in heads)]
    listed: list[Sequence[Child]] = [(*labels, *(row.get(ref, "") for ref in refs)) for labels, row in rows.items()]
    shown_rows = sorted(listed[:_MAX_ROWS], key=lambda row: [str(cell) for cell in row])
    more = prose(f"and {len(listed) - _MAX_ROWS:,} more rows") if len(listed) > _MAX_ROWS else None
    return join(table(one.panel.title, columns, shown_rows, caption_shown=False), more)


def _cell(value: float, panel: Panel) -> str:
    plain = f"{value:g}"
    return panel.words.get(plain) or shown(value, panel.unit, panel.decimals)
