"""The rules in another time, in a real Prometheus: a drift that is found, and an exporter that is killed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client import CollectorRegistry, start_http_server

from monitoring.drift.gauges import DriftGauges
from monitoring.drift.place import write_document
from monitoring.prometheus.scaled import write_scaled
from silencio.network import free_ports
from tests.monitoring.drift.made_documents import made_document
from tests.waiting import HANG_S, until

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed: make extras")
# A day in nine seconds: 26 hours are little more than that.
TIME_SCALE = 9600


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[ExitStack]:
    """The exporter of drift, which has just read a verdict of now; closing the stack ends it."""
    place = str(tmp_path / "drift")
    write_document(place, made_document(made_at=datetime.now(UTC)))
    registry = CollectorRegistry()
    assert DriftGauges(place, registry).refresh() is None
    server, thread = start_http_server(0, "127.0.0.1", registry)
    with ExitStack() as stack:
        stack.callback(thread.join)
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        stack.port = server.server_port  # type: ignore[attr-defined]
        yield stack


def test_exporter__that_is_killed_is_an_alert_while_drift_was_one_before(exporter: ExitStack, tmp_path: Path) -> None:
    write_scaled(tmp_path / "scaled", TIME_SCALE)
    config = yaml.safe_load((tmp_path / "scaled" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    del config["alerting"]
    config["rule_files"] = [str(tmp_path / "scaled" / "prometheus" / "rules" / "*.yml")]
    labels = {"namespace": "silencio-production"}
    targets = [{"targets": [f"127.0.0.1:{exporter.port}"], "labels": labels}]  # type: ignore[attr-defined]
    config["scrape_configs"] = [{"job_name": "silencio-drift", "static_configs": targets}]
    assert config["global"]["scrape_interval"] == "1s"
    (tmp_path / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    port = free_ports(1)[0]
    command = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    with (tmp_path / "prometheus.log").open("w") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)

    def firing() -> set[tuple[str, str]]:
        assert process.poll() is None, (tmp_path / "prometheus.log").read_text()
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/alerts", trust_env=False, timeout=HANG_S)
        except httpx.TransportError:
            return set()
        found = answer.json()["data"]["alerts"] if answer.is_success else []
        ours = [one["labels"] for one in found if one["state"] == "firing"]
        return {(one["alertname"], one.get("site", "")) for one in ours if "Drift" in one["alertname"]}

    drifted = ("SilencioDriftMicrophoneOrSite", "north")
    try:
        assert until(lambda: firing() == {drifted} and firing())
        exporter.close()
        # Once for the environment, whichever sites it has, and no more of a microphone that nothing looks at.
        until(lambda: firing() == {("SilencioDriftStale", "")}, firing)
    finally:
        process.kill()
        process.wait()
