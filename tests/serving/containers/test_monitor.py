"""The image `monitor`: its commands, its pods as the manifests start them, and a step as KFP would."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from delivery.rendered import Pod, Rendered
from monitoring.drift.place import document_uri
from silencio.storage import write_bytes
from tests.delivery.overlays import golden_objects
from tests.monitoring.drift.made_documents import made_document, site
from tests.serving.containers.pod import RESTRICTED, docker, image, options_of, readable
from tests.tiny_reserve import write_source
from tests.waiting import until

pytestmark = pytest.mark.images

# From inside, since its network is loopback alone.
ASK = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"
PAGE = (Path(__file__).parents[3] / "docs" / "images.md").read_text(encoding="utf-8")


def _pod(deployment: str) -> tuple[Pod, Any]:
    (pod,) = (one for one in Rendered(golden_objects("production")).pods if one.owner == f"Deployment {deployment}")
    (container,) = pod.containers
    container["image"] = image("monitor")
    return pod, container


@contextlib.contextmanager
def _running(deployment: str, option: str, folder: Path, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A pod of the manifests that reads a folder in the place of S3: the container's name, and where it is probed."""
    pod, container = _pod(deployment)
    (index,) = (i for i, argument in enumerate(container["args"]) if argument.startswith(f"{option}=s3://"))
    container["args"][index] = f"{option}=/there"
    container["volumeMounts"].append({"name": "there", "mountPath": "/there", "readOnly": True})
    volumes = {"tmp": tmp_path / "tmp", "s3": tmp_path / "s3", "there": folder}
    for name in ("tmp", "s3"):
        volumes[name].mkdir()
        volumes[name].chmod(0o777)
    probe = container["readinessProbe"]["httpGet"]
    name = f"silencio-{uuid.uuid4().hex[:8]}-monitor"
    try:
        docker("run", "--detach", "--name", name, "--network", "none", *options_of(container, volumes, pod))
        yield name, f"http://127.0.0.1:{probe['port']}{probe['path']}"
    finally:
        docker("rm", "--force", name, check=False)


def _asked(name: str, url: str) -> str:
    return docker("exec", name, "python", "-c", ASK, url, check=False).stdout.decode()


def _printed(name: str) -> str:
    done = docker("logs", "--tail", "50", name, check=False)
    return (done.stdout + done.stderr).decode()


def test_monitor__has_the_commands_that_the_page_names() -> None:
    (row,) = re.findall(r"^\| `silencio/monitor` .*$", PAGE, re.MULTILINE)
    names = re.findall(r"`silencio (\w+)`", row)
    assert {"drift", "dashboard"} <= set(names)
    each = " && ".join(f"silencio {name} --help >/dev/null" for name in names)
    docker("run", "--rm", "--network", "none", *RESTRICTED, image("monitor"), "sh", "-c", each)


def test_monitor__runs_a_pipelines_command_without_a_network_and_without_torch() -> None:
    """KFP starts a step by `sh -c`, and imports what it runs."""
    code = (
        "import importlib.util, evidently.presets, kfp, streamlit, monitoring.steps.drift, pipelines.step_process; "
        'print(importlib.util.find_spec("torch"))'
    )
    place = ["--rm", "--network", "none", *RESTRICTED]
    done = docker("run", *place, image("monitor"), "sh", "-c", f"python3 -c '{code}'")
    assert done.stdout.decode() == "None\n"


def test_monitor__tells_nobody_that_it_ran() -> None:
    """Streamlit reads variables where it is started by its command line, as `silencio dashboard` starts it."""
    show = ["python", "-m", "streamlit", "config", "show"]
    done = docker("run", "--rm", "--network", "none", *RESTRICTED, image("monitor"), *show)
    assert "gatherUsageStats = false" in done.stdout.decode().splitlines()
    variables = docker("run", "--rm", "--network", "none", *RESTRICTED, image("monitor"), "env").stdout.decode()
    assert "DO_NOT_TRACK=1" in variables and "ITERATIVE_DO_NOT_TRACK=1" in variables


def test_exporter__shows_the_newest_verdict_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    place = tmp_path / "verdicts"
    document = made_document(site("north"))
    write_bytes(document_uri(str(place), document.day), document.model_dump_json().encode())
    with _running("silencio-drift", "--place", readable(place), tmp_path) as (name, url):
        until(
            lambda: 'silencio_drift_cause{cause="model_decay",site="north"}' in _asked(name, url),
            lambda: _printed(name),
        )
        docker("stop", "--time", "20", name)
        state = docker("inspect", "--format", "{{.State.ExitCode}}", name).stdout.decode().strip()
        assert state == "0", _printed(name)


def test_dashboard__is_ready_on_a_folder_of_recordings(tmp_path: Path) -> None:
    recordings = readable(write_source(tmp_path / "recordings", 2))
    with _running("silencio-dashboard", "--data", recordings, tmp_path) as (name, url):
        until(lambda: _asked(name, url).strip() == "ok", lambda: _printed(name))
        assert "<title>Streamlit</title>" in _asked(name, "http://127.0.0.1:8501/")
