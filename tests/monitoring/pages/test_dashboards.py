from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monitoring.pages.dashboards import read_dashboard, read_dashboards
from silencio.errors import ConfigError


def _panel(title: str, y: int, x: int = 0, **more: Any) -> dict[str, Any]:
    return {"type": "timeseries", "title": title, "gridPos": {"x": x, "y": y, "w": 12}, "targets": [], **more}


def _read(tmp_path: Path, *panels: dict[str, Any], variables: list[dict[str, Any]] | None = None) -> Any:
    path = tmp_path / "board.json"
    path.write_text(json.dumps({"title": "Board", "panels": panels, "templating": {"list": variables or []}}))
    return read_dashboard(path)


def test_read_dashboards__every_committed_panel_has_what_a_page_needs() -> None:
    boards = read_dashboards()
    assert {"service", "drift", "release"} <= {board.name for board in boards}
    for board in boards:
        assert board.title
        for panel in board.panels:
            if panel.kind not in ("row", "text"):
                assert panel.title
                assert panel.queries, (board.name, panel.title)


def test_read_dashboard__panels_as_people_read_them_and_those_of_a_folded_row_behind_it(tmp_path: Path) -> None:
    row = {"type": "row", "title": "Row", "gridPos": {"x": 0, "y": 1}, "panels": [_panel("inside", 2)]}
    board = _read(tmp_path, _panel("last", 9), row, _panel("right", 0, 12), _panel("left", 0))
    assert [panel.title for panel in board.panels] == ["left", "right", "Row", "inside", "last"]


def test_read_dashboard__tables_are_of_one_moment_unless_they_ask_for_a_range(tmp_path: Path) -> None:
    targets = [{"expr": "a"}, {"expr": "b", "range": True}, {"expr": "c", "hide": True}]
    board = _read(tmp_path, _panel("t", 0, type="table", targets=targets), _panel("l", 1, targets=[{"expr": "a"}]))
    assert [query.instant for query in board.panels[0].queries] == [True, False]
    assert [query.instant for query in board.panels[1].queries] == [False]


def test_read_dashboard__a_limit_is_drawn_where_grafana_draws_it(tmp_path: Path) -> None:
    steps = {"steps": [{"color": "green", "value": None}, {"color": "red", "value": 0.05}]}
    with_line = {"defaults": {"thresholds": steps, "custom": {"thresholdsStyle": {"mode": "line"}}}}
    plain = {"defaults": {"thresholds": steps}}
    board = _read(tmp_path, _panel("a", 0, fieldConfig=with_line), _panel("b", 1, fieldConfig=plain))
    assert [panel.limits for panel in board.panels] == [(0.05,), ()]


def test_read_dashboard__variables_stand_for_all_or_for_what_is_chosen(tmp_path: Path) -> None:
    variables = [
        {"name": "all", "current": {"value": "$__all"}},
        {"name": "lists", "current": {"value": ["a", "b"]}},
        {"name": "own", "current": {"value": "$__all"}, "allValue": ".+"},
        {"name": "one", "current": {"value": "5m"}},
        {"name": "none"},
    ]
    assert _read(tmp_path, variables=variables).variables == {
        "all": ".*",
        "lists": "a|b",
        "own": ".+",
        "one": "5m",
        "none": ".*",
    }


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"title": "a", "panels": [{"title": "no type"}]}'])
def test_read_dashboard__what_is_none_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "board.json").write_text(content)
    with pytest.raises(ConfigError, match=r"board\.json is no dashboard"):
        read_dashboards(tmp_path)


def test_read_dashboards__an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no dashboard"):
        read_dashboards(tmp_path)
