"""What Prometheus scrapes on one machine: both arms' servers, told apart by the label `arm`, and HAProxy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from serving.canary.interfaces import ARMS
from serving.canary.one_machine_state import ArmState
from silencio.storage import write_atomically

CONFIG, TARGETS = "prometheus.yml", "targets.json"
# Names of the jobs, by which the judge asks.
SERVERS_JOB, HAPROXY_JOB, UNITS_JOB = "silencio", "haproxy", "silencio_proxy"


def prometheus_config(metrics_address: str, scrape_interval_s: float) -> str:
    """The configuration, as JSON, which is YAML.

    Args:
        metrics_address: HOST:PORT of HAProxy's metrics.
        scrape_interval_s: Seconds between scrapes.
    """
    every = f"{round(1_000 * scrape_interval_s)}ms"
    of_haproxy = [{"targets": [metrics_address]}]
    jobs: list[dict[str, object]] = [
        {"job_name": SERVERS_JOB, "file_sd_configs": [{"files": [TARGETS], "refresh_interval": "10s"}]},
        {"job_name": HAPROXY_JOB, "static_configs": of_haproxy},
        {"job_name": UNITS_JOB, "metrics_path": "/units", "static_configs": of_haproxy},
    ]
    settings = {"global": {"scrape_interval": every, "scrape_timeout": every}, "scrape_configs": jobs}
    return json.dumps(settings, indent=1) + "\n"


def write_targets(folder: Path, arms: Mapping[str, ArmState]) -> None:
    """The servers that are scraped from now on: Prometheus watches the file.

    Args:
        folder: The state folder.
        arms: State of each arm; one that never ran, or was retired, is not scraped.
    """
    groups: list[dict[str, object]] = []
    for name in ARMS:
        if arms[name].condition in ("ready", "ended"):
            for server, url in (("transformer", arms[name].url), ("predictor", arms[name].predictor_url)):
                groups.append({"targets": [urlsplit(url).netloc], "labels": {"arm": name, "server": server}})
    write_atomically(folder / TARGETS, json.dumps(groups, indent=1) + "\n")


def prometheus_options(folder: Path, address: str) -> Sequence[str]:
    """The command line of a Prometheus that runs in the state folder.

    Args:
        folder: The state folder.
        address: HOST:PORT to listen on.
    """
    return [
        f"--config.file={CONFIG}",
        f"--storage.tsdb.path={folder.resolve() / 'prometheus'}",
        "--storage.tsdb.retention.time=15d",
        f"--web.listen-address={address}",
    ]
