"""Dashboards: what is committed is what the code makes, and each panel keeps the rules of grafana/dashboard-linter.

Of those rules the ones that fit: a templated datasource, a title and a description, a unit, a query in each panel,
nothing to edit, counters as rates over `$__rate_interval`. `job` and `instance` are chosen here by namespace, arm, site
or node.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.grafana.boards import DASHBOARDS, FOLDER, text_of, write
from monitoring.grafana.model import Dashboard, Panel, Query, dashboard_json
from monitoring.grafana.queries import queries, runnable
from tests.monitoring.names import metrics_in, rules

PANELS = [
    pytest.param(board, panel, id=f"{board.name}-{panel.title}") for board in DASHBOARDS for panel in board.panels
]
# Beside `increase` and `rate` over these windows nothing sums over more than `$__rate_interval`.
WINDOWS = {"$__rate_interval", "1h", "1d"}
# By job, where an exporter knows no environment.
OTHERS_SELECTOR = re.compile(r'job="\w+"|namespace="kubeflow"|namespace="silencio-platform"')


def test_files__are_what_the_code_makes() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert {f"{one.name}.json": text_of(one) for one in DASHBOARDS} == committed, "python -m monitoring.grafana"


def test_files__are_written_to_the_folder_that_is_given(tmp_path: Path) -> None:
    assert [path.name for path in write(tmp_path)] == [f"{one.name}.json" for one in DASHBOARDS]


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda one: one.name)
def test_dashboard__has_an_address_of_its_own_and_is_edited_by_nobody(board: Dashboard) -> None:
    made = dashboard_json(board)
    assert made["uid"] == f"silencio-{board.name}" and made["editable"] is False and made["description"]
    places = [tuple(panel["gridPos"].values()) for panel in made["panels"]]
    cells = [(x + i, y + j) for x, y, w, h in places for i in range(w) for j in range(h)]
    assert len(set(cells)) == len(cells), "no panel lies on another"
    assert max(x for x, _ in cells) < 24
    assert len({panel.title for panel in board.panels}) == len(board.panels)
    for one in made["annotations"]["list"]:
        assert one["datasource"]["uid"] == "${datasource}"
        assert_windows_touch(one["expr"])


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda one: one.name)
def test_variables__are_each_used_and_there(board: Dashboard) -> None:
    used = {
        name for panel in board.panels for query in panel.queries for name in re.findall(r"\$([a-z]\w*)", query.expr)
    }
    declared = {one.name for one in board.variables}
    # The environment chooses arms and sites, too.
    chosen = used | {name for one in board.variables for name in re.findall(r"\$([a-z]\w*)", one.query)}
    assert used <= declared <= chosen
    first = json.loads(text_of(board))["templating"]["list"][0]
    assert (first["name"], first["type"]) == ("datasource", "datasource")


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_panel__keeps_the_rules(board: Dashboard, panel: Panel) -> None:
    assert panel.title and panel.description.endswith(".") and panel.unit and panel.queries
    assert not panel.title.endswith(".")
    for query in panel.queries:
        assert_query_keeps_the_rules(query)
    # Several series without words of their own cannot be told apart, but for a table, which has columns.
    assert panel.kind == "table" or all(query.legend for query in panel.queries)
    for query in panel.queries if panel.kind != "table" else ():
        assert_legend_tells_series_apart(query)


def assert_legend_tells_series_apart(query: Query) -> None:
    for label in re.findall(r"\w+", "".join(re.findall(r"\bby \(([^)]*)\)", query.expr)[:1])):
        assert label == "le" or f"{{{{{label}}}}}" in query.legend, f"{query.expr}: two of {label} look alike"


def assert_windows_touch(expr: str) -> None:
    """The samples of one window end before those of the next begin: what changes between the two is in neither."""
    assert "$__interval" not in expr, f"{expr}: over $__rate_interval"


def assert_query_keeps_the_rules(query: Query) -> None:
    expr = query.expr
    assert_windows_touch(expr)
    for name, window in re.findall(r"(\w+_(?:total|count|sum|bucket))\{[^}]*\}(?:\[([^\]]*)\])?", expr):
        assert window in WINDOWS, f"{name} counts: it is drawn as a rate"
    for window in re.findall(r"\brate\([^\[]*\[([^\]]*)\]", expr):
        assert window == "$__rate_interval", expr
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for name in metrics_in(runnable(expr)) - {"ALERTS"}:
        for selector in re.findall(rf"\b{name}(\{{[^}}]*\}}|)", expr):
            is_chosen = 'namespace=~"$namespace' in selector or OTHERS_SELECTOR.search(selector)
            assert is_chosen, f"{name}{selector} is of every environment and node"
            if name.startswith("silencio_") and not re.match("silencio_(drift|release|review|expected|day)", name):
                assert 'isvc=""' in selector, f"{name}: a release's judge has it scraped once more"
            assert name in recorded or ":" not in name
    for labels in re.findall(r"by \(([^)]*\bsite\b[^)]*)\)", expr):
        assert "namespace" in labels, f"{expr}: a site of staging has the name of production's"


@pytest.mark.parametrize(
    "expr",
    [
        'sum(silencio_requests_total{isvc="",namespace=~"$namespace"})',
        'sum(rate(silencio_requests_total{isvc="",namespace=~"$namespace"}[5m]))',
        'sum(rate(silencio_requests_total{isvc=""}[$__rate_interval]))',
        'sum(rate(silencio_requests_total{namespace=~"$namespace"}[$__rate_interval]))',
        'max by (site) (silencio_drift_recordings{namespace=~"$namespace"})',
        'changes(silencio_release_share{namespace=~"$namespace"}[$__interval])',
        "DCGM_FI_DEV_GPU_UTIL",
        'namespace:nobody_records_this:rate5m{namespace=~"$namespace"}',
    ],
)
def test_rules__refuse(expr: str) -> None:
    with pytest.raises(AssertionError):
        assert_query_keeps_the_rules(Query(expr))


def test_legend__without_a_label_of_its_series_is_refused() -> None:
    with pytest.raises(AssertionError, match="two of namespace look alike"):
        assert_legend_tells_series_apart(Query("max by (namespace, site) (silencio_reviews)", "{{site}}"))


def test_queries__are_without_variables() -> None:
    found = queries("2m")
    assert len(found) == sum(len(panel.queries) for board in DASHBOARDS for panel in board.panels) > 80
    assert not [one for one in found if "$" in one.expr]
    assert runnable('rate(a{b=~"$namespace|c"}[$__rate_interval])', "2m") == 'rate(a{b=~".*|c"}[2m])'


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not at hand: make extras")
def test_queries__are_promql(tmp_path: Path) -> None:
    made: list[dict[str, Any]] = [{"record": f"panel:a:q{i}", "expr": one.expr} for i, one in enumerate(queries())]
    of_notes = [runnable(one["expr"]) for board in DASHBOARDS for one in dashboard_json(board)["annotations"]["list"]]
    made += [{"record": f"annotation:a:q{i}", "expr": expr} for i, expr in enumerate(of_notes)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": made}]}))
    command = ["promtool", "check", "rules", "--lint=none", tmp_path / "rules.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
