"""Grafana's dashboards as they are committed: the panels, their queries, units and words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import monitoring
from silencio.errors import ConfigError

FOLDER = Path(monitoring.__file__).parent / "grafana"
# What draws numbers of Prometheus; other kinds are Grafana's own lists.
_INSTANT_KINDS = {"table", "bargauge", "piechart", "barchart"}


@dataclass(frozen=True)
class Query:
    """One query of a panel.

    Attributes:
        expr: PromQL with Grafana's variables.
        legend: Template of a series' name; empty or `__auto`: its labels.
        instant: Whether only the last moment is drawn.
        ref: Letter of the query.
    """

    expr: str
    legend: str
    instant: bool
    ref: str


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: Its heading.
        description: What it shows.
        kind: Grafana's type, such as `timeseries`, `stat`, `table`; `row` is a heading, `text` words.
        unit: Grafana's unit of its values.
        decimals: Digits behind the point; None: as many as the value needs.
        minimum: Where the axis begins; None: by the values.
        maximum: Where it ends; None: by the values.
        limits: Values at which a line is drawn.
        words: Text for values, such as `1` -> `firing`.
        queries: Its queries.
        text: Markdown of a `text` panel.
        is_wide: Whether it takes more than half of the width.
    """

    title: str
    description: str
    kind: str
    unit: str
    decimals: int | None
    minimum: float | None
    maximum: float | None
    limits: tuple[float, ...]
    words: Mapping[str, str]
    queries: tuple[Query, ...]
    text: str
    is_wide: bool


@dataclass(frozen=True)
class Dashboard:
    """One dashboard.

    Attributes:
        name: Name of its file, and of its page.
        title: Its title.
        description: What it is for.
        panels: In the order in which they are read.
        variables: Value of each variable, as a regular expression where Grafana offers all.
    """

    name: str
    title: str
    description: str
    panels: tuple[Panel, ...]
    variables: Mapping[str, str]


def read_dashboards(folder: Path = FOLDER) -> tuple[Dashboard, ...]:
    """Every dashboard of a folder, by name.

    Args:
        folder: Folder with Grafana's JSON.

    Raises:
        ConfigError: There is none, or one cannot be read.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise ConfigError(f"{folder} holds no dashboard (*.json)")
    return tuple(read_dashboard(path) for path in paths)


def read_dashboard(path: Path) -> Dashboard:
    """One dashboard.

    Args:
        path: Grafana's JSON.

    Raises:
        ConfigError: It cannot be read, or is no dashboard.
    """
    try:
        content = json.loads(path.read_bytes())
        panels = tuple(_panel(one) for one in _in_order(content["panels"]))
        variables = {one["name"]: _value(one) for one in content.get("templating", {}).get("list", ())}
        return Dashboard(path.stem, content["title"], content.get("description", ""), panels, variables)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is no dashboard of Grafana: {type(error).__name__}: {error}") from error


def _in_order(panels: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """As people read: by rows; what a folded row holds follows it."""
    for one in sorted(panels, key=lambda one: (one.get("gridPos", {}).get("y", 0), one.get("gridPos", {}).get("x", 0))):
        yield one
        yield from _in_order(one.get("panels") or ())


def _panel(panel: Mapping[str, Any]) -> Panel:
    defaults = panel.get("fieldConfig", {}).get("defaults", {})
    kind = panel["type"]
    return Panel(
        title=panel.get("title", ""),
        description=panel.get("description", ""),
        kind=kind,
        unit=defaults.get("unit", "short"),
        decimals=defaults.get("decimals"),
        minimum=defaults.get("min"),
        maximum=defaults.get("max"),
        limits=_limits(defaults),
        words=_words(defaults.get("mappings", ())),
        queries=tuple(_query(one, kind) for one in panel.get("targets", ()) if not one.get("hide")),
        text=panel.get("options", {}).get("content", ""),
        is_wide=panel.get("gridPos", {}).get("w", 12) > 12,
    )


def _query(target: Mapping[str, Any], kind: str) -> Query:
    legend = target.get("legendFormat") or ""
    is_instant = bool(target.get("instant")) or (kind in _INSTANT_KINDS and not target.get("range"))
    return Query(target["expr"], "" if legend == "__auto" else legend, is_instant, target.get("refId", ""))


def _limits(defaults: Mapping[str, Any]) -> tuple[float, ...]:
    style = defaults.get("custom", {}).get("thresholdsStyle", {}).get("mode", "off")
    steps = defaults.get("thresholds", {}).get("steps", ()) if style != "off" else ()
    return tuple(float(one["value"]) for one in steps if one.get("value") is not None)


def _words(mappings: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {
        value: shown["text"]
        for one in mappings
        if one.get("type") == "value"
        for value, shown in one["options"].items()
        if shown.get("text")
    }


def _value(variable: Mapping[str, Any]) -> str:
    """What Grafana puts in its place when the dashboard is opened; all of them match what lacks the label, too."""
    current = variable.get("current", {}).get("value", "")
    if isinstance(current, list):
        current = "$__all" if "$__all" in current else "|".join(current)
    if current and current != "$__all":
        return str(current)
    return str(variable.get("allValue") or ".*")
