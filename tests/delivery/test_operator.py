"""manifests/operator: the rules and dashboards of monitoring/ for a Prometheus that has its operator."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from delivery.checks import findings_of
from delivery.prometheus_rule import OBJECT, ROOT, rule_files, text_of_rules
from delivery.render import Object, has_kubectl, render
from delivery.rendered import Rendered, name_of
from tests.delivery.overlays import golden_objects

DASHBOARDS = sorted((ROOT / "monitoring" / "grafana").glob("*.json"))
needs_kubectl = pytest.mark.skipif(not has_kubectl(), reason="kubectl is not installed")


def _namespace() -> Object:
    """The chart of the operator makes it; here it is the monitoring's."""
    (found,) = (one for one in golden_objects("monitoring") if one["kind"] == "Namespace")
    return found


def _rule() -> Any:
    one = yaml.safe_load(OBJECT.read_text(encoding="utf-8"))
    one["metadata"]["namespace"] = "monitoring"
    return one


def test_rules__are_those_of_the_files() -> None:
    why = "write it anew: .venv/bin/python -m delivery.prometheus_rule"
    assert OBJECT.read_text(encoding="utf-8") == text_of_rules(), why
    groups = _rule()["spec"]["groups"]
    assert [group["name"] for group in groups] == [
        group["name"] for path in rule_files() for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    ]
    assert len({group["name"] for group in groups}) == len(groups), "the operator refuses a name twice"


def test_files__are_all_that_there_are() -> None:
    assert sorted(rule_files()) == sorted((ROOT / "monitoring" / "prometheus" / "rules").glob("*.yml"))


def test_rule__has_nothing_against_it_but_a_metric_that_nobody_has() -> None:
    objects = [_namespace(), _rule()]
    assert [str(one) for one in findings_of(Rendered(objects))] == []
    objects[1]["spec"]["groups"][0]["rules"][0]["expr"] = "silencio_prediction_total"
    assert {one.check for one in findings_of(Rendered(objects))} == {"metric-names"}


@needs_kubectl
def test_render__is_the_rules_and_the_dashboards_alone() -> None:
    objects = render(ROOT / "manifests" / "operator")
    assert [str(one) for one in findings_of(Rendered([_namespace(), *objects]))] == []
    (dashboards,) = (one for one in objects if one["kind"] == "ConfigMap")
    (rule,) = (one for one in objects if one["kind"] != "ConfigMap")
    assert (rule["kind"], name_of(rule), rule["spec"]) == ("PrometheusRule", "silencio", _rule()["spec"])
    assert dashboards["metadata"]["labels"]["grafana_dashboard"] == "1", "Grafana's sidecar looks for it"
    assert sorted(dashboards["data"]) == [path.name for path in DASHBOARDS]
    assert all(json.loads(dashboards["data"][path.name])["title"] for path in DASHBOARDS)
