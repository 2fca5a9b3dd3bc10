"""Everything that Prometheus scrapes, here: real servers and exporters, and recorded expositions of a cluster's own.

The configuration is the committed file's, but for how pods are found and at which ports they are.
"""

from __future__ import annotations

import http.server
import io
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import httpx
import numpy as np
import soundfile
import yaml
from prometheus_client import CollectorRegistry, start_http_server

from monitoring.drift.gauges import DriftGauges
from monitoring.drift.place import write_document
from serving.canary.state_gauge import release_gauge
from serving.local import LocalServers, local_servers
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.network import free_ports
from silencio.release.record import BundleIdentity, ReleaseRecord
from tests.monitoring.drift.made_documents import made_document, site
from tests.serving.authority import Authority
from tests.waiting import HANG_S, until

MONITORING = Path(__file__).parents[2] / "monitoring"
RECORDED = Path(__file__).parent / "recorded"
PROGRAMS = ("prometheus", "prometheus-node-exporter", "prometheus-blackbox-exporter")
PREDICT = "/v1/models/silencio:predict"
NAMESPACE = "silencio-production"
# As Kubernetes tells a pod.
SERVING_POD = {
    "__meta_kubernetes_namespace": NAMESPACE,
    "__meta_kubernetes_pod_ip": "127.0.0.1",
    "__meta_kubernetes_pod_label_app": "isvc.silencio-v12-predictor",
    "__meta_kubernetes_pod_name": "silencio-v12-predictor-0",
    "__meta_kubernetes_pod_phase": "Running",
}
CONTAINERS = ("transformer-container", "kserve-container", "queue-proxy")


def missing_programs() -> list[str]:
    """Of those that are needed."""
    return [one for one in PROGRAMS if shutil.which(one) is None]


@dataclass(frozen=True)
class Scraped:
    """Servers, exporters, and the Prometheus that scrapes them.

    Attributes:
        servers: Transformer and predictor.
        url: Address of Prometheus.
        recording: A recording to send.
    """

    servers: LocalServers
    url: str
    recording: bytes

    def api(self, path: str, **parameters: str) -> Any:
        """What Prometheus answers."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, trust_env=False, timeout=HANG_S)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def query(self, text: str) -> list[dict[str, Any]]:
        """Series of a query."""
        found: list[dict[str, Any]] = self.api("query", query=text)["result"]
        return found

    def predict(self) -> None:
        """A prediction that works."""
        assert self.send(self.recording) == 200

    def send(self, content: bytes) -> int:
        """Send bytes as a recording, and give the status."""
        headers = {"Content-Type": "audio/ogg"}
        url = f"{self.servers.url}{PREDICT}"
        return httpx.post(url, content=content, headers=headers, trust_env=False, timeout=HANG_S).status_code

    def until_there(self, text: str) -> list[dict[str, Any]]:
        """Predictions go on until a query has a series."""

        def found() -> list[dict[str, Any]]:
            self.predict()
            return self.query(text)

        return until(found, text)


@contextmanager
def scraped(folder: Path) -> Iterator[Scraped]:
    """Start everything, and end it.

    Args:
        folder: An empty folder for what they write.
    """
    with ExitStack() as stack:
        bundle = write_placeholder_bundle(folder / "bundle")
        options = ["--prediction_log", str(folder / "log")]
        servers = stack.enter_context(
            local_servers(bundle, transformer_options=options, start_timeout_s=HANG_S),
        )
        ports = {
            "silencio-release": _served(stack, _release_registry()),
            "silencio-drift": _served(stack, _drift_registry(folder / "drift")),
            "recorded": stack.enter_context(_files(RECORDED)),
            "tls": stack.enter_context(_files(RECORDED, Authority.make(folder, "station"))),
            **{name: free_ports(1)[0] for name in ("prometheus", "node", "probe")},
        }
        (folder / "blackbox.yml").write_text(
            "modules: {http_2xx: {prober: http, http: {tls_config: {insecure_skip_verify: true}}}}"
        )
        (folder / "prometheus.yml").write_text(json.dumps(config_here(servers, ports)))  # JSON is YAML
        at = "--web.listen-address=127.0.0.1:{}".format
        started = partial(_started, stack, folder)
        started("prometheus-node-exporter", at(ports["node"]))
        started("prometheus-blackbox-exporter", f"--config.file={folder}/blackbox.yml", at(ports["probe"]))
        alive = started(
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            at(ports["prometheus"]),
        )
        one = Scraped(servers, f"http://127.0.0.1:{ports['prometheus']}", _recording())

        def is_ready() -> bool:
            alive()
            try:
                return httpx.get(f"{one.url}/-/ready", trust_env=False, timeout=HANG_S).is_success
            except httpx.TransportError:
                return False

        until(is_ready)
        yield one


def config_here(servers: LocalServers, ports: Mapping[str, int]) -> dict[str, Any]:
    """The committed configuration, with targets of this machine.

    Args:
        servers: Transformer and predictor.
        ports: Ports of everything else, by job; `recorded` has the files of `recorded/`.
    """
    config = yaml.safe_load((MONITORING / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(MONITORING / "prometheus" / "rules" / "*.yml")]
    del config["alerting"]
    jobs = {one["job_name"]: one for one in config["scrape_configs"]}
    # Asked of a release's judge, by what it tells over HTTP: tests/serving/canary have it.
    del jobs["silencio-arms"]
    for one in jobs.values():
        one.pop("kubernetes_sd_configs", None)
    _place_servers(jobs["silencio"], servers)
    for name in ("silencio-release", "silencio-drift", "node", "probe", "gpu"):
        port_name = "http" if name == "probe" else "metrics"
        labels = {
            "__meta_kubernetes_namespace": NAMESPACE,
            "__meta_kubernetes_pod_container_port_name": port_name,
            "__meta_kubernetes_pod_node_name": "node-1",
        }
        port = ports.get(name, ports["recorded"])
        jobs[name]["static_configs"] = [{"targets": [f"127.0.0.1:{port}"], "labels": labels}]
    jobs["probe"]["params"]["target"] = [f"https://127.0.0.1:{ports['tls']}/dcgm.prom"]
    jobs["gpu"]["metrics_path"] = "/dcgm.prom"
    for name in ("kubelet", "cadvisor"):
        for key in ("authorization", "tls_config"):
            jobs[name].pop(key)
        jobs[name] |= {"scheme": "http", "metrics_path": f"/{name}.prom"}
        jobs[name]["static_configs"] = [{"targets": [f"127.0.0.1:{ports['recorded']}"]}]
    jobs["monitoring"]["static_configs"] = [{"targets": [f"127.0.0.1:{ports['prometheus']}"]}]
    state_metrics = {
        "job_name": "kube-state-metrics",
        "metrics_path": "/kube_state_metrics.prom",
        "static_configs": [{"targets": [f"127.0.0.1:{ports['recorded']}"]}],
    }
    return {**config, "scrape_configs": [*jobs.values(), state_metrics]}


def _place_servers(job: dict[str, Any], servers: LocalServers) -> None:
    job["static_configs"] = [
        {"targets": ["127.0.0.1"], "labels": {**SERVING_POD, "__meta_kubernetes_pod_container_name": one}}
        for one in CONTAINERS
    ]
    transformer, predictor = (
        next(one.url.rpartition(":")[2] for one in servers.both if (one.url == servers.url) is is_transformer)
        for is_transformer in (True, False)
    )
    here = {"$1:8080": f"$1:{transformer}", "$1:8085": f"$1:{predictor}"}
    for one in job["relabel_configs"]:
        one["replacement"] = here.get(one.get("replacement"), one.get("replacement", "$1"))


def _release_registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    record = ReleaseRecord(
        release_id="r7",
        champion=BundleIdentity(version="a", manifest_sha256="a" * 64, place="s3://bundles/a"),
        challenger=BundleIdentity(version="b", manifest_sha256="b" * 64, place="s3://bundles/b"),
        policy={},
        state="step",
        step=1,
        share_percent=10.0,
        began_at="2026-05-08T05:00:00Z",
    )
    release_gauge(registry)(record)
    return registry


def _drift_registry(place: Path) -> CollectorRegistry:
    """Of the exporter, which has read a document of now: a run that is old would be an alert."""
    document = made_document(
        site(
            n_reviews=80,
            review_precision=0.7,
            review_interval=(0.6, 0.79),
            detections_by_species={"grekis": 12, "whtdov": 7},
        )
    )
    write_document(str(place), document.model_copy(update={"made_at": datetime.now(UTC)}))
    registry = CollectorRegistry()
    assert DriftGauges(str(place), registry).refresh() is None
    return registry


def _served(stack: ExitStack, registry: CollectorRegistry) -> int:
    server, thread = start_http_server(0, "127.0.0.1", registry)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    stack.callback(end)
    return server.server_port


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, in silence."""

    extensions_map: ClassVar[dict[str, str]] = {".prom": "text/plain; version=0.0.4"}

    def log_message(self, format: str, *args: Any) -> None:
        return None


@contextmanager
def _files(folder: Path, authority: Authority | None = None) -> Iterator[int]:
    """Serve a folder's files, by TLS where an authority signs for it; gives the port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    if authority is not None:
        certificate, key = authority.sign("IP:127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _started(stack: ExitStack, folder: Path, program: str, *options: str) -> Callable[[], None]:
    """Start a program; gives what fails where it has ended."""
    log_path = folder / f"{program}.log"
    log = stack.enter_context(log_path.open("w"))
    process = subprocess.Popen([program, *options], stdout=log, stderr=log)

    def end() -> None:
        process.kill()
        process.wait()

    def check() -> None:
        assert process.poll() is None, log_path.read_text()

    stack.callback(end)
    return check


def _recording() -> bytes:
    """Five seconds of a rising tone in noise."""
    t = np.arange(5 * 32_000) / 32_000
    noise = 0.02 * np.random.default_rng(7).standard_normal(len(t))
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(2 * np.pi * (300.0 + 40.0 * t) * t) + noise, 32_000, format="OGG")
    return file.getvalue()
