"""monitoring/: what Prometheus, Alertmanager and Grafana are told, held against each other and by their own tools."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
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
    assert len(found) == 8
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


def test_targets__that_call_somebody_are_ours_however_prometheus_finds_them_and_nobody_elses() -> None:
    (rule,) = (one for path in RULES for one in _rules(path) if one.get("alert") == "SilencioTargetDown")
    (ours,) = re.findall(r'job=~"([^"]*)"', rule["expr"])
    jobs = {one["job_name"] for one in CONFIG["scrape_configs"]} | {f"{one}/silencio" for one in ENVIRONMENTS}
    by_the_operator = {job for one in golden_objects("operator") for job in _jobs_by_the_operator(one)}
    assert len(by_the_operator) == 3
    jobs |= by_the_operator
    assert [one for one in sorted(jobs) if not re.fullmatch(ours, one)] == []
    theirs = ("apiserver", "coredns", "kube-state-metrics", "node-exporter", "shop/web", "silencio-shop/web")
    assert [one for one in theirs if re.fullmatch(ours, one)] == []


def _jobs_by_the_operator(one: Any) -> Iterator[str]:
    """The label `job` of what its objects have scraped: their place, where they name none."""
    place = f"{one['metadata'].get('namespace')}/{one['metadata']['name']}"
    if one["kind"] == "PodMonitor":
        yield place
    elif one["kind"] == "ScrapeConfig":
        yield one["spec"].get("jobName", f"scrapeConfig/{place}")


def test_prometheus__is_let_out_to_what_has_a_nodes_own_address() -> None:
    """No selector of pods or namespaces takes such an address: a rule that names a peer keeps all of them away."""
    (policy,) = (
        one
        for one in golden_objects("monitoring")
        if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "prometheus"
    )
    anywhere = [{port["port"] for port in rule["ports"]} for rule in policy["spec"]["egress"] if "to" not in rule]
    # API server, kubelet, and the exporter of nodes, which its chart starts in the node's network.
    assert anywhere == [{443, 6443, 10250, 9100}]


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


def test_alerts__are_each_tested_firing_silent_and_without_data_and_say_what_to_do() -> None:
    rules = [rule for path in RULES for rule in _rules(path)]
    tests = [test for path in TESTS for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    alerts = {rule["alert"]: rule for rule in rules if "alert" in rule}
    for fires in (True, False):
        assert {case["alertname"] for case in cases if bool(case["exp_alerts"]) is fires} == set(alerts)
    without_data = [case for test in tests if not test["input_series"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in without_data} == set(alerts)
    for rule in alerts.values():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"} and rule["for"]


@needs_amtool
def test_alertmanager__is_told_what_it_takes() -> None:
    _printed("amtool", "check-config", FOLDER / "alertmanager" / "alertmanager.yml")


def test_alertmanager__starts_before_anybody_has_said_where_alerts_go() -> None:
    """Its secret is left out of those that are generated: a volume that has to be there would keep its wave waiting."""
    (pod,) = (one for one in Rendered(golden_objects("monitoring")).pods if one.owner == "StatefulSet alertmanager")
    (secret,) = (one["secret"] for one in pod.spec["volumes"] if "secret" in one)
    assert (secret["secretName"], secret.get("optional")) == ("silencio-alertmanager", True)


def test_maps__have_every_rule_and_every_dashboard() -> None:
    """A file that is not mounted is one that nobody evaluates or sees. A config map holds a megabyte."""
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
    maps = {one["name"]: one["files"] for one in kustomization["configMapGenerator"]}
    for name, paths in (("prometheus-rules", RULES), ("grafana-dashboards", DASHBOARDS)):
        assert sorted(maps[name]) == sorted(str(path.relative_to(FOLDER)) for path in paths)
        assert sum(path.stat().st_size for path in paths) < 2**20 * 0.9
    providers = yaml.safe_load((FOLDER / "grafana" / "providers.yaml").read_text(encoding="utf-8"))["providers"]
    assert [one["allowUiUpdates"] for one in providers] == [False]
