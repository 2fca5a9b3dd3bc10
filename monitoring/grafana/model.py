"""A dashboard as data, and Grafana's JSON of it, in plain dictionaries: the official SDK is an alpha of 109 modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["timeseries", "stat", "bargauge", "table"]
DATASOURCE: Mapping[str, str] = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS = 24
_HEIGHTS: Mapping[Kind, int] = {"timeseries": 8, "stat": 4, "bargauge": 8, "table": 8}
_SCHEMA_VERSION = 41


@dataclass(frozen=True)
class Query:
    """One query of a panel.

    Attributes:
        expr: PromQL, with the dashboard's variables and `$__rate_interval`.
        legend: Template of a series' name, `{{arm}}`.
    """

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: Its heading.
        description: What it shows, and what follows from it.
        unit: Grafana's unit: `reqps`, `percentunit`, `s`, `bytes`, `short`.
        queries: Its queries.
        kind: How it is drawn; all but `timeseries` show the last moment.
        width: Columns that it takes, of 24.
        limits: Values at which a line is drawn.
        words: Text for values.
        minimum: Where the axis begins; None: by the values.
        maximum: Where it ends; None: by the values.
        is_stacked: Whether the series are drawn on top of each other.
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = "timeseries"
    width: int = 8
    limits: tuple[float, ...] = ()
    words: Mapping[str, str] | None = None
    minimum: float | None = None
    maximum: float | None = None
    is_stacked: bool = False


@dataclass(frozen=True)
class Variable:
    """A choice of the reader's, all by default.

    Attributes:
        name: Name in queries, `$name`.
        label: What the reader sees.
        query: `label_values(...)`.
    """

    name: str
    label: str
    query: str


@dataclass(frozen=True)
class Dashboard:
    """One dashboard.

    Attributes:
        name: Name of its file; `silencio-NAME` is its address.
        title: Its title, after "Silencio: ".
        description: What it is for.
        panels: In reading order; they are laid out from left to right.
        variables: After the datasource.
        since: Beginning of the time that it shows when it is opened.
    """

    name: str
    title: str
    description: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...]
    since: str = "now-6h"


NAMESPACE = Variable("namespace", "Environment", 'label_values(silencio_bundle_info{isvc=""}, namespace)')
ARM = Variable("arm", "Arm", 'label_values(silencio_bundle_info{isvc="",namespace=~"$namespace"}, arm)')
SITE = Variable(
    "site", "Site", 'label_values(silencio_drift_last_run_timestamp_seconds{namespace=~"$namespace"}, site)'
)
NODE = Variable("node", "Node", 'label_values(node_uname_info{job="node"}, instance)')
# Lines over every dashboard.
_ANNOTATIONS = (
    (
        "Steps of releases",
        'max by (namespace, release) (changes(silencio_release_share{namespace=~"$namespace"}[$__rate_interval])) > 0',
        "{{namespace}} {{release}}: another share",
        "blue",
    ),
    (
        "Alerts",
        'max by (alertname, severity) (ALERTS{alertstate="firing",alertname=~"Silencio.+",severity!="info"})',
        "{{alertname}}",
        "red",
    ),
)


def dashboard_json(dashboard: Dashboard) -> dict[str, Any]:
    """What Grafana is given.

    Args:
        dashboard: A dashboard.
    """
    return {
        "uid": f"silencio-{dashboard.name}",
        "title": f"Silencio: {dashboard.title}",
        "description": dashboard.description,
        "tags": ["silencio"],
        "editable": False,
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "refresh": "30s",
        "time": {"from": dashboard.since, "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_DATASOURCE_VARIABLE, *map(_variable, dashboard.variables)]},
        "annotations": {"list": [_annotation(*one) for one in _annotations_of(dashboard)]},
        "panels": [
            _panel(i, panel, place)
            for i, (panel, place) in enumerate(zip(dashboard.panels, _places(dashboard.panels), strict=True), 1)
        ],
    }


_DATASOURCE_VARIABLE = {
    "name": "datasource",
    "label": "Prometheus",
    "type": "datasource",
    "query": "prometheus",
    "current": {"text": "Prometheus", "value": "prometheus"},
}


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": dict(DATASOURCE),
        "query": variable.query,
        "definition": variable.query,
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "sort": 1,
        "current": {"text": "All", "value": "$__all"},
    }


def _annotations_of(dashboard: Dashboard) -> Sequence[tuple[str, str, str, str]]:
    """Without the variable there is nothing to put into the query."""
    return _ANNOTATIONS if NAMESPACE in dashboard.variables else _ANNOTATIONS[1:]


def _annotation(name: str, expr: str, title: str, colour: str) -> dict[str, Any]:
    return {
        "name": name,
        "datasource": dict(DATASOURCE),
        "enable": True,
        "expr": expr,
        "titleFormat": title,
        "iconColor": colour,
        "step": "60s",
    }


def _places(panels: Sequence[Panel]) -> list[dict[str, int]]:
    """From left to right; a row is as high as its highest panel."""
    places: list[dict[str, int]] = []
    x = y = row_height = 0
    for panel in panels:
        height = _HEIGHTS[panel.kind]
        if x + panel.width > _COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        places.append({"x": x, "y": y, "w": panel.width, "h": height})
        x, row_height = x + panel.width, max(row_height, height)
    return places


def _panel(number: int, panel: Panel, place: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": dict(DATASOURCE),
        "gridPos": dict(place),
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
        "targets": [_target(chr(ord("A") + i), panel, query) for i, query in enumerate(panel.queries)],
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit}
    if panel.minimum is not None:
        defaults["min"] = panel.minimum
    if panel.maximum is not None:
        defaults["max"] = panel.maximum
    if panel.limits:
        steps = [{"color": "green", "value": None}, *({"color": "red", "value": one} for one in panel.limits)]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.words:
        options = {value: {"text": text, "index": i} for i, (value, text) in enumerate(panel.words.items())}
        defaults["mappings"] = [{"type": "value", "options": options}]
    if panel.kind == "timeseries":
        custom: dict[str, Any] = {"lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": False}
        custom["stacking"] = {"mode": "normal" if panel.is_stacked else "none"}
        custom["thresholdsStyle"] = {"mode": "line" if panel.limits else "off"}
        defaults["custom"] = custom
    return defaults


def _options(panel: Panel) -> dict[str, Any]:
    last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match panel.kind:
        case "timeseries":
            return {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        case "stat":
            return {"reduceOptions": last, "colorMode": "value", "graphMode": "area", "textMode": "auto"}
        case "bargauge":
            return {"reduceOptions": last, "orientation": "horizontal", "displayMode": "basic", "showUnfilled": True}
        case "table":
            return {"showHeader": True}


def _target(letter: str, panel: Panel, query: Query) -> dict[str, Any]:
    is_instant = panel.kind in ("bargauge", "table")
    return {
        "refId": letter,
        "datasource": dict(DATASOURCE),
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": is_instant,
        "range": not is_instant,
        **({"format": "table"} if panel.kind == "table" else {}),
    }
