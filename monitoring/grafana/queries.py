"""Every panel's queries as Prometheus takes them: Grafana's variables put in, as with all choices at `All`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from monitoring.grafana.boards import DASHBOARDS

# Variables match everything, missing labels too.
_ALL = re.compile(r"\$(?!__)\w+")


@dataclass(frozen=True)
class PanelQuery:
    """A query of a panel.

    Attributes:
        dashboard: Name of the dashboard.
        panel: Title of the panel.
        expr: PromQL.
    """

    dashboard: str
    panel: str
    expr: str


def queries(window: str = "1m") -> list[PanelQuery]:
    """All queries of all dashboards.

    Args:
        window: What stands for `$__rate_interval`, at least four scrapes.
    """
    return [
        PanelQuery(dashboard.name, panel.title, runnable(query.expr, window))
        for dashboard in DASHBOARDS
        for panel in dashboard.panels
        for query in panel.queries
    ]


def runnable(expr: str, window: str = "1m") -> str:
    """A query as Prometheus takes it.

    Args:
        expr: As Grafana has it.
        window: What stands for `$__rate_interval` and `$__interval`.
    """
    return _ALL.sub(".*", expr.replace("$__rate_interval", window).replace("$__interval", window))
