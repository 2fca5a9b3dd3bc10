"""Names of metrics in PromQL, by what Prometheus' own grammar leaves: neither functions, keywords nor labels."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from monitoring.grafana.queries import queries

MONITORING = Path(__file__).parents[2] / "monitoring"
RULES = sorted((MONITORING / "prometheus" / "rules").glob("*.yml"))
RUNBOOKS = sorted((MONITORING / "runbooks").glob("*.md"))
_KEYWORDS = frozenset(
    (
        *("by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "offset", "bool"),
        *("sum", "min", "max", "avg", "count", "topk", "bottomk", "quantile", "stddev", "count_values", "group"),
        *("inf", "nan"),
    )
)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
_BRACES = re.compile(r"\{[^}]*\}")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\()(?![\w:])")


def metrics_in(expr: str) -> set[str]:
    """Names of metrics, and of what rules record.

    Args:
        expr: PromQL.
    """
    bare = _BRACES.sub("", _RANGE.sub("", _STRING.sub('""', expr)))
    return {name for name in _NAME.findall(_GROUPING.sub(" ", bare)) if name.lower() not in _KEYWORDS}


@cache
def rules() -> list[dict[str, Any]]:
    """Every rule of every file."""
    return [
        rule
        for path in RULES
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


@cache
def alerts() -> dict[str, list[dict[str, Any]]]:
    """Alerts by name; some have several windows."""
    found: dict[str, list[dict[str, Any]]] = {}
    for rule in rules():
        if "alert" in rule:
            found.setdefault(rule["alert"], []).append(rule)
    return found


def runbook_queries(path: Path) -> list[str]:
    """The queries of a runbook, one a block.

    Args:
        path: The runbook.
    """
    blocks = re.findall(r"```promql\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    return [" ".join(line for line in block.splitlines() if not line.startswith("#")).strip() for block in blocks]


@cache
def all_queries() -> dict[str, str]:
    """Every query of rules, dashboards and runbooks, by its place."""
    found = {f"{rule.get('alert', rule.get('record'))} {i}": rule["expr"] for i, rule in enumerate(rules())}
    found |= {f"{one.dashboard} / {one.panel} {i}": one.expr for i, one in enumerate(queries())}
    found |= {f"{path.stem} {i}": text for path in RUNBOOKS for i, text in enumerate(runbook_queries(path))}
    return found
