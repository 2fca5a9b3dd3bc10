"""A real Prometheus scrapes real servers by monitoring/prometheus: labels, rules, and every panel of the dashboard.

Its configuration is the committed file's, but for how pods are found and at which ports they are.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from serving.local import LocalServers, local_servers
from silencio.network import free_ports
from tests.waiting import HANG_S, until

FOLDER = Path(__file__).parents[3] / "monitoring"
PANELS = json.loads((FOLDER / "grafana" / "serving.json").read_text(encoding="utf-8"))["panels"]
PREDICT = "/v1/models/silencio:predict"
# Of a pod as Kubernetes tells it.
POD = {
    "__meta_kubernetes_namespace": "silencio-production",
    "__meta_kubernetes_pod_ip": "127.0.0.1",
    "__meta_kubernetes_pod_label_app": "isvc.silencio-v12-predictor",
    "__meta_kubernetes_pod_name": "silencio-v12-predictor-0",
    "__meta_kubernetes_pod_phase": "Running",
}
CONTAINERS = ("transformer-container", "kserve-container", "queue-proxy")
pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed: make extras")


@dataclass(frozen=True)
class Monitored:
    """Servers, and the Prometheus that scrapes them."""

    servers: LocalServers
    url: str
    recording: bytes

    def ask(self, path: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, trust_env=False, timeout=HANG_S)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def query(self, text: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("query", query=text)["result"]
        return found

    def predict(self) -> None:
        headers = {"Content-Type": "audio/ogg"}
        url = f"{self.servers.url}{PREDICT}"
        answer = httpx.post(url, content=self.recording, headers=headers, trust_env=False, timeout=HANG_S)
        assert answer.is_success, answer.text

    def until_there(self, text: str) -> list[dict[str, Any]]:
        """Predictions go on until a query has a number above 0."""

        def found() -> list[dict[str, Any]]:
            self.predict()
            return [one for one in self.query(text) if float(one["value"][1]) > 0]

        return until(found, text)


def _config(servers: LocalServers, port: int) -> dict[str, Any]:
    config = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(FOLDER / "prometheus" / "rules" / "*.yml")]
    jobs = {one["job_name"]: one for one in config["scrape_configs"]}
    jobs["silencio"].pop("kubernetes_sd_configs")
    jobs["silencio"]["static_configs"] = [
        {"targets": ["127.0.0.1"], "labels": {**POD, "__meta_kubernetes_pod_container_name": one}} for one in CONTAINERS
    ]
    transformer, predictor = (
        next(one.url.rpartition(":")[2] for one in servers.both if (one.url == servers.url) is is_transformer)
        for is_transformer in (True, False)
    )
    here = {"$1:8080": f"$1:{transformer}", "$1:8085": f"$1:{predictor}"}
    for one in jobs["silencio"]["relabel_configs"]:
        one["replacement"] = here.get(one.get("replacement"), one.get("replacement", "$1"))
    jobs["monitoring"]["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    del config["alerting"]
    return {**config, "scrape_configs": [jobs["silencio"], jobs["monitoring"]]}


@pytest.fixture(scope="module")
def monitored(
    bundle_directory: Path, recording: Callable[..., bytes], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Monitored]:
    folder = tmp_path_factory.mktemp("monitoring")
    options = ["--prediction_log", str(folder / "log")]
    with local_servers(bundle_directory, transformer_options=options, start_timeout_s=HANG_S) as servers:
        port = free_ports(1)[0]
        (folder / "prometheus.yml").write_text(json.dumps(_config(servers, port)))  # JSON is YAML
        command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        with (folder / "prometheus.log").open("w") as log:
            process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        one = Monitored(servers, f"http://127.0.0.1:{port}", recording())

        def is_ready() -> bool:
            assert process.poll() is None, (folder / "prometheus.log").read_text()
            try:
                return httpx.get(f"{one.url}/-/ready", trust_env=False, timeout=HANG_S).is_success
            except httpx.TransportError:
                return False

        try:
            until(is_ready)
            yield one
        finally:
            process.kill()
            process.wait()


def test_prometheus__has_each_server_once_by_its_place_and_arm(monitored: Monitored) -> None:
    until(lambda: len(monitored.query('up{job=~".+/silencio"} == 1')) == 2)
    targets = [one["metric"] for one in monitored.query('up{job=~".+/silencio"}')]
    assert sorted(one.pop("container") for one in targets) == ["kserve-container", "transformer-container"]
    for one in targets:
        one.pop("__name__")
        assert one.pop("instance").startswith("127.0.0.1:")
        assert one == {
            "job": "silencio-production/silencio",
            "namespace": "silencio-production",
            "pod": "silencio-v12-predictor-0",
            "arm": "silencio-v12-predictor",
        }


def test_rules__have_numbers_of_predictions_by_arm(monitored: Monitored) -> None:
    labels = {"namespace": "silencio-production", "arm": "silencio-v12-predictor"}
    for name in ("silencio_predictions:rate5m", "silencio_request_seconds:p95_rate5m"):
        (found,) = monitored.until_there(f"namespace_arm:{name}")
        assert {key: value for key, value in found["metric"].items() if key != "__name__"} == labels
    failed = "namespace_arm:silencio_failed_predictions:rate5m"
    until(lambda: [float(one["value"][1]) for one in monitored.query(failed)] == [0], failed)
    rules = [rule for group in monitored.ask("rules")["groups"] for rule in group["rules"]]
    written = [path.read_text(encoding="utf-8") for path in (FOLDER / "prometheus" / "rules").iterdir()]
    assert len(rules) == sum(text.count("expr:") for text in written)
    assert not [one for one in rules if one.get("lastError")]
    until(lambda: {one["health"] for group in monitored.ask("rules")["groups"] for one in group["rules"]} == {"ok"})


@pytest.mark.parametrize("panel", PANELS, ids=lambda one: one["title"])
def test_panel__is_not_empty(monitored: Monitored, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        query = re.sub(r'=~"\$\w+"', '=~".+"', target["expr"]).replace("$__rate_interval", "1m")
        if "container_" in query:
            # Of a node's kubelet: none is here, and the query is one all the same.
            monitored.query(query)
            continue
        until(lambda: monitored.predict() or monitored.query(query), query)  # type: ignore[func-returns-value] # noqa: B023


def test_alert__begins_when_a_server_is_away(monitored: Monitored) -> None:
    """The last test of these: it takes the predictor away."""
    monitored.servers.predictor.stop()

    def pending() -> list[dict[str, Any]]:
        alerts = [one["labels"] for one in monitored.ask("alerts")["alerts"]]
        return [one for one in alerts if one["alertname"] == "SilencioTargetDown" and "kserve" in one["container"]]

    (found,) = until(pending)
    assert (found["severity"], found["arm"]) == ("critical", "silencio-v12-predictor")
