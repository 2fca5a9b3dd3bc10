"""Prometheus, Alertmanager and their exporters as processes, by the committed files in the month's own time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from prometheus_client import CollectorRegistry, start_http_server

from benchmarks.month.stand_ins import SITES_OF_TITLE, Notifications, receiving, recorded_files
from benchmarks.month.waiting import until
from monitoring.prometheus.scaled import MONITORING, scaled, write_scaled
from serving.canary.state_gauge import release_gauge
from serving.local import LocalServers
from silencio.errors import ServingError
from silencio.network import free_ports
from silencio.release.record import BundleIdentity, ReleaseRecord
from tests.monitoring.scraped import RECORDED, config_here
from tests.serving.authority import Authority

PROGRAMS = ("prometheus", "prometheus-alertmanager", "prometheus-node-exporter", "prometheus-blackbox-exporter")
SCRAPE_S = 1.0
# Debian's Alertmanager reads its templates from there, and nowhere else.
_TEMPLATES = Path("/usr/share/prometheus/alertmanager/default.tmpl")
_TIMEOUT_S = 20.0
# Of the rules, before what fires is looked at: rules of rules, and `for`, take one each.
_MIN_EVALUATIONS = 6


@dataclass(frozen=True)
class Stack:
    """What watches.

    Attributes:
        prometheus: Its address.
        alertmanager: Its address.
        notifications: What was sent to people.
    """

    prometheus: str
    alertmanager: str
    notifications: Notifications

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Series of an instant query."""
        found: list[dict[str, Any]] = self._data("query", query=expr)["result"]
        return found

    def value(self, expr: str) -> float | None:
        """Value of a query's first series; None where it has none."""
        found = self.query(expr)
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> set[tuple[str, str]]:
        """Name and site of every alert that fires."""
        return {
            (one["metric"]["alertname"], one["metric"].get("site", ""))
            for one in self.query('ALERTS{alertstate="firing"}')
        }

    def evaluations(self) -> float:
        """How often the rules of drift were evaluated so far."""
        return self.value('min(prometheus_rule_group_iterations_total{rule_group=~".*;drift"})') or 0.0

    def targets_are_up(self) -> bool:
        """Whether each target has been scraped, and the rules were evaluated since."""
        targets = self._data("targets", state="active")["activeTargets"]
        return all(one["health"] == "up" for one in targets) and self.evaluations() >= _MIN_EVALUATIONS

    def _data(self, path: str, **parameters: str) -> Any:
        url = f"{self.prometheus}/api/v1/{path}"
        answer = httpx.get(url, params=parameters, trust_env=False, timeout=_TIMEOUT_S)
        if not answer.is_success:
            raise ServingError(f"Prometheus does not answer {parameters}: {answer.text[:300]}")
        return answer.json()["data"]


def missing_programs() -> list[str]:
    """Those of Debian's that are not in the path."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextmanager
def watching(folder: Path, servers: LocalServers, drift: Path, time_scale: float, version: str) -> Iterator[Stack]:
    """Start all of it, and end it.

    Args:
        folder: For what they write.
        servers: Transformer and predictor.
        drift: Place of drift's documents.
        time_scale: Seconds of the month in one second of the clock.
        version: The bundle's, of which a release has ended well.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        notifications, receiver = stack.enter_context(receiving())
        certificate = Authority.make(folder, "station").sign("IP:127.0.0.1")
        names = ("prometheus", "node", "probe", "silencio-drift", "alertmanager")
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        ports["recorded"] = stack.enter_context(recorded_files(RECORDED))
        ports["tls"] = stack.enter_context(recorded_files(RECORDED, certificate))
        ports["silencio-release"] = _release(stack, version)
        _write_configuration(folder, servers, ports, receiver, time_scale)
        at = "--web.listen-address=127.0.0.1:{}".format
        _start(stack, folder, "prometheus-node-exporter", at(ports["node"]))
        _start(
            stack, folder, "prometheus-blackbox-exporter", f"--config.file={folder}/blackbox.yml", at(ports["probe"])
        )
        _start(stack, folder, *_gauges(drift, ports["silencio-drift"]))
        exporters = [f"http://127.0.0.1:{ports[name]}/metrics" for name in ("node", "probe", "silencio-drift")]
        # Before Prometheus looks: an exporter that starts is no target that is down.
        until(lambda: all(map(_answers, exporters)), "the exporters")
        alertmanager = _start(
            stack,
            folder,
            "prometheus-alertmanager",
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/alertmanager-data",
            "--cluster.listen-address=",
            at(ports["alertmanager"]),
        )
        prometheus = _start(
            stack,
            folder,
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            at(ports["prometheus"]),
        )
        one = Stack(
            f"http://127.0.0.1:{ports['prometheus']}", f"http://127.0.0.1:{ports['alertmanager']}", notifications
        )

        def ready() -> bool:
            prometheus.check_alive()
            alertmanager.check_alive()
            return _is_ready(one.prometheus) and _is_ready(one.alertmanager)

        until(ready, "Prometheus and Alertmanager")
        # What a rule finds absent before the first scrapes is no alert of the month.
        until(lambda: one.targets_are_up() and not one.firing(), "the first scrapes, and rules that know of them")
        yield one


def _gauges(drift: Path, port: int) -> Sequence[str]:
    command = [sys.executable, "-m", "silencio", "drift", "gauges", "--place", str(drift)]
    return [*command, "--port", str(port), "--every-s", "0.5"]


def _write_configuration(
    folder: Path, servers: LocalServers, ports: dict[str, int], receiver: int, time_scale: float
) -> None:
    write_scaled(folder / "scaled", time_scale, SCRAPE_S)
    config = config_here(servers, ports)
    config["rule_files"] = [str(folder / "scaled" / "prometheus" / "rules" / "*.yml")]
    alertmanager = {"static_configs": [{"targets": [f"127.0.0.1:{ports['alertmanager']}"]}]}
    config["alerting"] = {"alertmanagers": [alertmanager]}
    config["scrape_configs"].append(_staging(config))
    (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    (folder / "blackbox.yml").write_text(
        "modules: {http_2xx: {prober: http, http: {tls_config: {insecure_skip_verify: true}}}}", encoding="utf-8"
    )
    text = (MONITORING / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
    # Through JSON, so that what receivers share by an anchor is each one's own.
    routing = json.loads(json.dumps(yaml.safe_load(scaled(text, time_scale, SCRAPE_S))))
    (folder / "chat").write_text(f"http://127.0.0.1:{receiver}/chat", encoding="utf-8")
    routing["global"] = {"slack_api_url_file": str(folder / "chat")}
    for one in routing["receivers"]:
        # No server of mail is here.
        one.pop("email_configs", None)
        for chat in one.get("slack_configs", ()):
            chat["title"] += SITES_OF_TITLE
        for webhook in one.get("webhook_configs", ()):
            webhook["url"] = f"http://127.0.0.1:{receiver}/webhook"
    (folder / "alertmanager.yml").write_text(json.dumps(routing), encoding="utf-8")


def _staging(config: dict[str, Any]) -> dict[str, Any]:
    """The same servers once more, for the environment that is not here."""
    job = json.loads(json.dumps(next(one for one in config["scrape_configs"] if one["job_name"] == "silencio")))
    job["job_name"] = "silencio-of-staging"
    for one in job["static_configs"]:
        one["labels"]["__meta_kubernetes_namespace"] = "silencio-staging"
    found: dict[str, Any] = job
    return found


def _release(stack: ExitStack, version: str) -> int:
    """The gauge of a release that has ended: nobody releases anything in this month."""
    registry = CollectorRegistry()
    champion, challenger = (
        BundleIdentity(version=one, manifest_sha256=one[:1] * 64, place=f"s3://bundles/{one}")
        for one in ("before", version)
    )
    record = ReleaseRecord(
        release_id="r7",
        champion=champion,
        challenger=challenger,
        policy={},
        state="promoted",
        share_percent=100.0,
        began_at="2026-02-01T05:00:00Z",
    )
    release_gauge(registry)(record)
    server, thread = start_http_server(0, "127.0.0.1", registry)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    stack.callback(end)
    return int(server.server_port)


@dataclass(frozen=True)
class _Program:
    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check_alive(self) -> None:
        """Raises `ServingError` with the last lines of its log if it has ended."""
        if self.process.poll() is not None:
            last = "\n".join(self.log.read_text(encoding="utf-8").splitlines()[-5:])
            raise ServingError(f"{self.name} ended by itself; its last lines:\n{last}")

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _start(stack: ExitStack, folder: Path, program: str, *options: str) -> _Program:
    name = Path(program).name if program != sys.executable else "gauges"
    path = folder / f"{name}.log"
    log = stack.enter_context(path.open("w"))
    command = [program, *options]
    if name == "prometheus-alertmanager" and not _TEMPLATES.is_file():
        command = _with_templates(command)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603
    one = _Program(name, process, path)
    stack.callback(one.end)
    return one


def _with_templates(command: Sequence[str]) -> list[str]:
    """The command where its package was unpacked and not installed: its own /usr/share lies over this machine's."""
    share = Path(shutil.which(command[0]) or command[0]).resolve().parents[1] / "share"
    mounted = f'mount -t overlay overlay -o "lowerdir={share}:/usr/share" /usr/share && exec "$0" "$@"'
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", mounted, *command]


def _is_ready(url: str) -> bool:
    return _answers(f"{url}/-/ready")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=_TIMEOUT_S).is_success
    except httpx.TransportError:
        return False
