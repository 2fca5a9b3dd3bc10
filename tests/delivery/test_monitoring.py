"""monitoring/: what Prometheus, Alertmanager and Grafana are told, held against each other and by their own tools."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.checks import findings_of
from delivery.rendered import Rendered
from tests.delivery.overlays import ROOT, golden_objects

FOLDER = ROOT / "monitoring"
CONFIG = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
RULES = sorted((FOLDER / "prometheus" / "rules").iterdir())
TESTS = sorted((FOLDER / "prometheus" / "tests").iterdir())
DASHBOARDS = sorted((FOLDER / "grafana").glob("*.json"))
# Which Prometheus asks for arms.
ENVIRONMENTS = ["silencio-staging", "silencio-production"]
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not at hand: make extras")
needs_amtool = pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not at hand: make extras")


def _job(name: str) -> Any:
    (found,) = (one for one in CONFIG["scrape_configs"] if one["job_name"] == name)
    return found


def _rules(path: Path) -> list[Any]:
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _printed(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_config__finds_by_what_kubernetes_has() -> None:
    """Debian's promtool knows no discovery by Kubernetes: its few fields are held here."""
    found = [sd for job in CONFIG["scrape_configs"] for sd in job.get("kubernetes_sd_configs", ())]
    assert len(found) == 4
    for one in found:
        assert one["role"] in ("pod", "node") and set(one) <= {"role", "selectors"}
        for selector in one.get("selectors", ()):
            assert set(selector) == {"role", "label"} and selector["role"] == one["role"]


@needs_promtool
def test_config__is_what_prometheus_takes(tmp_path: Path) -> None:
    config = yaml.safe_load(yaml.safe_dump(CONFIG))
    for job in config["scrape_configs"]:
        if job.pop("kubernetes_sd_configs", None):
            job["static_configs"] = [{"targets": ["10.0.0.1"]}]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    _printed("promtool", "check", "config", "--syntax-only", tmp_path / "prometheus.yml")


def test_arms__are_labelled_as_by_the_operators_monitor() -> None:
    monitor = yaml.safe_load((ROOT / "manifests" / "base" / "pod-monitor.yaml").read_text(encoding="utf-8"))
    for endpoint in monitor["spec"]["podMetricsEndpoints"]:
        wanted = [
            {
                "source_labels": one["sourceLabels"],
                "regex": one["regex"],
                "target_label": "arm",
                "replacement": one["replacement"],
            }
            for one in endpoint["relabelings"]
        ]
        assert [one for one in _job("silencio")["relabel_configs"] if one.get("target_label") == "arm"] == wanted


def test_arms__of_a_release_are_scraped_as_the_page_of_releases_has_it() -> None:
    text = (ROOT / "manifests" / "release" / "prometheus.yml").read_text(encoding="utf-8")
    (wanted,) = (one for one in yaml.safe_load(text)["scrape_configs"] if one["job_name"] == "silencio-arms")
    (discovery,) = wanted.pop("http_sd_configs")
    found = dict(_job("silencio-arms"))
    assert found.pop("http_sd_configs") == [
        {**discovery, "url": discovery["url"].replace("NAMESPACE", one)} for one in ENVIRONMENTS
    ]
    assert found == wanted


def test_environments__that_are_scraped_are_each_missed_where_nothing_serves() -> None:
    (rule,) = (one for path in RULES for one in _rules(path) if one.get("alert") == "SilencioNothingServes")
    assert re.findall(r'namespace="([^"]*)"', rule["expr"]) == ENVIRONMENTS
    assert re.findall(r'job="([^"]*)"', rule["expr"]) == [f"{one}/silencio" for one in ENVIRONMENTS]


@pytest.mark.parametrize("name", ["staging", "production"])
def test_environment__is_scraped_where_it_listens(name: str) -> None:
    together = Rendered([one for part in (name, "platform", "monitoring") for one in golden_objects(part)])
    assert [str(one) for one in findings_of(together)] == []
    together.find("Service", f"silencio-{name}", "silencio-release")["spec"]["ports"][1]["port"] = 9110  # type: ignore[index]
    assert [one.check for one in findings_of(together)] == ["addresses"]


@pytest.mark.parametrize("name", ["staging", "production"])
def test_environment__lets_prometheus_in_and_prometheus_out(name: str) -> None:
    monitoring = {
        one["metadata"]["name"]: one for one in golden_objects("monitoring") if one["kind"] == "NetworkPolicy"
    }
    let_out = {port["port"] for rule in monitoring["prometheus"]["spec"]["egress"] for port in rule["ports"]}
    for policy in golden_objects(name):
        if policy["kind"] == "NetworkPolicy":
            for rule in policy["spec"].get("ingress", ()):
                if "monitoring" in str(rule["from"]):
                    assert {port["port"] for port in rule["ports"]} <= let_out


@needs_promtool
@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_rules__are_what_prometheus_takes(path: Path) -> None:
    _printed("promtool", "check", "rules", path)


@needs_promtool
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_rules__fire_and_do_not_fire(path: Path) -> None:
    _printed("promtool", "test", "rules", path)


def test_alerts__are_each_tested_firing_and_silent_and_say_what_to_do() -> None:
    rules = [rule for path in RULES for rule in _rules(path)]
    cases = [
        case
        for path in TESTS
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
        for case in test["alert_rule_test"]
    ]
    alerts = {rule["alert"]: rule for rule in rules if "alert" in rule}
    for fires in (True, False):
        assert {case["alertname"] for case in cases if bool(case["exp_alerts"]) is fires} == set(alerts)
    for rule in alerts.values():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert set(rule["annotations"]) == {"summary", "description"} and rule["for"]


@needs_amtool
def test_alertmanager__is_told_what_it_takes() -> None:
    _printed("amtool", "check-config", FOLDER / "alertmanager" / "alertmanager.yml")


def test_alert__of_an_environment_without_pods_silences_its_slowness_alone() -> None:
    (rule,) = yaml.safe_load((FOLDER / "alertmanager" / "alertmanager.yml").read_text())["inhibit_rules"]
    assert rule == {
        "source_matchers": ["alertname = SilencioNothingServes"],
        "target_matchers": ["alertname = SilencioSlow"],
        "equal": ["namespace"],
    }


def test_alertmanager__starts_before_anybody_has_said_where_alerts_go() -> None:
    """Its secret is left out of those that are generated: a volume that has to be there would keep its wave waiting."""
    (pod,) = (one for one in Rendered(golden_objects("monitoring")).pods if one.owner == "StatefulSet alertmanager")
    (secret,) = (one["secret"] for one in pod.spec["volumes"] if "secret" in one)
    assert (secret["secretName"], secret.get("optional")) == ("silencio-alertmanager", True)


@needs_amtool
@pytest.mark.parametrize(("severity", "receiver"), [("critical", "channel"), ("warning", "channel"), ("info", "none")])
def test_alertmanager__tells_people_of(severity: str, receiver: str) -> None:
    config = f"--config.file={FOLDER / 'alertmanager' / 'alertmanager.yml'}"
    assert _printed("amtool", "config", "routes", "test", config, f"severity={severity}").split() == [receiver]


def _panels() -> list[Any]:
    return [pytest.param(one, id=one["title"]) for path in DASHBOARDS for one in json.loads(path.read_text())["panels"]]


@pytest.mark.parametrize("panel", _panels())
def test_panel__is_described_and_asks_as_the_dashboard_is_set(panel: Any) -> None:
    assert panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"] and panel["targets"]
    assert panel["datasource"]["uid"] == "${datasource}"
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "${datasource}"
        query = target["expr"]
        for counter in re.findall(r"\w+_(?:total|count|sum|bucket)\{[^}]*\}(\[\$__rate_interval\])?", query):
            assert counter or "and on (instance)" in query, "a counter is asked for as a rate"
        for selector in re.findall(r"(silencio_\w+|container_\w+)(\{[^}]*\})", query):
            if "stage=" not in selector[1] or "isvc" in selector[1]:
                assert 'namespace=~"$namespace"' in selector[1], query
                assert selector[0].startswith("container_") or 'isvc=""' in selector[1], "judges scrape once more"


def test_dashboards__are_files_alone_with_an_address_of_their_own() -> None:
    read = [json.loads(path.read_text()) for path in DASHBOARDS]
    assert len({one["uid"] for one in read}) == len(read) and not any(one["editable"] for one in read)
    providers = yaml.safe_load((FOLDER / "grafana" / "providers.yaml").read_text())["providers"]
    assert [one["allowUiUpdates"] for one in providers] == [False]
    for one in read:
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in one["panels"]]
        assert len(set(places)) == len(places), "no panel lies on another"


def test_dashboard__of_serving_shows_containers_too() -> None:
    text = (FOLDER / "grafana" / "serving.json").read_text()
    for name in ("silencio_requests_total", "silencio_request_seconds_bucket", "silencio_queue_windows"):
        assert name in text
    assert "container_cpu_usage_seconds_total" in text and "container_memory_working_set_bytes" in text
