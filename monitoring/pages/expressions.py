"""PromQL of a panel as Prometheus takes it: Grafana's variables by their values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

# `$name`, `${name}`, `${name:format}`, `[[name]]`.
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?::\w+)?\}|\[\[(\w+)(?::\w+)?\]\]")
_LABEL = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


def substituted(expr: str, variables: Mapping[str, str], *, step_s: float, scrape_s: float, range_s: float) -> str:
    """A query with every variable replaced; one that is not known stays, and Prometheus refuses the query.

    `$__rate_interval` is Grafana's: the step and a scrape, and at the very smallest four scrapes.

    Args:
        expr: PromQL with variables.
        variables: Values of the dashboard's own.
        step_s: Seconds between two points.
        scrape_s: Seconds between two scrapes.
        range_s: Seconds that are drawn.
    """
    known = {
        "__rate_interval": _duration(max(step_s + scrape_s, 4 * scrape_s)),
        "__interval": _duration(step_s),
        "__interval_ms": f"{1000 * step_s:.0f}",
        "__range": _duration(range_s),
        "__range_s": f"{range_s:.0f}",
        "__range_ms": f"{1000 * range_s:.0f}",
        **variables,
    }

    def value(match: re.Match[str]) -> str:
        name = next(one for one in match.groups() if one)
        return known.get(name, match[0])

    return _VARIABLE.sub(value, expr)


def series_name(legend: str, labels: Mapping[str, str]) -> str:
    """What a series is called in the legend.

    Args:
        legend: Template with `{{label}}`; empty: all labels.
        labels: Those of the series.
    """
    if legend:
        return " ".join(_LABEL.sub(lambda match: labels.get(match[1], ""), legend).split()) or "all"
    named = [f"{key}={value}" for key, value in sorted(labels.items()) if key != "__name__"]
    return ", ".join(named) or labels.get("__name__", "value")


def _duration(seconds: float) -> str:
    """As PromQL takes it: whole milliseconds, or whole seconds."""
    return f"{round(seconds)}s" if math.isclose(seconds, round(seconds)) else f"{math.ceil(1000 * seconds)}ms"
