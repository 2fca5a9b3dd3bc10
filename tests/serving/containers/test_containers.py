"""The built images as a cluster runs them: the rendered manifest's own pod, without rights, and with one network.

scripts/with_docker_engine.sh make images containers
"""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from kubernetes.utils.quantity import parse_quantity

from components.image import VERSION
from delivery.kserve_pods import TRANSFORMER_CONTAINER
from serving.canary.kserve.predictors import KSERVE_CONTAINER
from silencio.bundle import Bundle, Scorer
from tests.litert_bundle import write_litert_bundle
from tests.serving.containers.pod import RESTRICTED, Pod, container_of, docker, image, readable, running_pod
from tests.waiting import HANG_S, until

pytestmark = pytest.mark.images

ROUTE = "/v1/models/silencio:predict"
# What the kernel grants the server, and whether it can write: asked from inside, of process 1.
RIGHTS = """
import json, os, pathlib
lines = pathlib.Path("/proc/1/status").read_text().splitlines()
status = dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)
written = []
for folder in ("/", "/etc", "/opt/silencio", "/mnt/models", "/tmp"):
    try:
        (pathlib.Path(folder) / "written").write_text("")
        written.append(folder)
    except OSError:
        pass
print(json.dumps({
    "uids": status["Uid"].split(), "gids": status["Gid"].split(),
    "capabilities": sorted({status[f"Cap{name}"].strip("0") for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")}),
    "no_new_privileges": status["NoNewPrivs"], "seccomp": status["Seccomp"], "written": written,
    "networks": os.listdir("/sys/class/net"), "groups": status["Groups"].split(),
    "max_memory_bytes": int(next(path for path in (
        pathlib.Path("/sys/fs/cgroup/memory.max"), pathlib.Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")
    ) if path.exists()).read_text()),
}))
"""


@pytest.fixture(scope="module")
def litert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return readable(write_litert_bundle(tmp_path_factory.mktemp("bundle") / "one"))


@pytest.fixture(scope="module")
def litert_pod(litert: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    with running_pod(litert, tmp_path_factory.mktemp("pod")) as pod:
        yield pod


def test_pod__with_an_encoder_of_litert_predicts_the_bundles_own_numbers(
    litert_pod: Pod, litert: Path, recording: Callable[..., bytes]
) -> None:
    encoded = recording(12.0)
    answer = httpx.post(
        f"{litert_pod.url}{ROUTE}?top_k=all",
        content=encoded,
        headers={"Content-Type": "audio/ogg"},
        trust_env=False,
        timeout=HANG_S,
    )
    (prediction,) = answer.json()["predictions"]
    scorer = Scorer(Bundle(litert))
    scored = scorer(encoded)
    codes = [one.code for one in scorer.bundle.manifest.classes]
    found = [
        [{species["code"]: species["raw_probability"] for species in window["species"]}[code] for code in codes]
        for window in prediction["windows"]
    ]
    assert [window["start_s"] for window in prediction["windows"]] == pytest.approx(list(scored.starts_s))
    np.testing.assert_allclose(found, scored.probabilities, atol=1e-6)


class Begun:
    """A request of which the server has the head, and waits for the recording."""

    def __init__(self, url: str, encoded: bytes) -> None:
        self._encoded = encoded
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=HANG_S)
        self._connection.putrequest("POST", ROUTE)
        headers = {"Content-Type": "audio/ogg", "Content-Length": str(len(encoded)), "Expect": "100-continue"}
        for name, value in headers.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()
        go_on = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert self._connection.sock.recv(len(go_on), socket.MSG_WAITALL) == go_on

    def send_recording(self) -> None:
        self._connection.send(self._encoded)

    def n_windows(self) -> int:
        answer = self._connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return len(json.loads(text)["predictions"][0]["windows"])


def test_pod__ends_in_order_by_sigterm_and_answers_what_it_had_begun(
    litert_pod: Pod, recording: Callable[..., bytes]
) -> None:
    """Both containers get the signal at once, as kubelet sends it; the grace is the manifest's."""
    encoded = recording(120.0)
    begun = [Begun(litert_pod.url, encoded) for _ in range(6)]
    for one in begun[::2]:
        one.send_recording()
    with ThreadPoolExecutor() as threads:
        ending = threads.submit(litert_pod.end)
        # No new ones are taken: the signal has come. What had begun before is answered all the same.
        until(lambda: not litert_pod.takes_connections(), lambda: "\n".join(map(litert_pod.log, litert_pod.both)))
        for one in begun[1::2]:
            one.send_recording()
        answered = [one.n_windows() for one in begun]
        codes = ending.result()
    logs = [litert_pod.log(name) for name in litert_pod.both]
    assert codes == dict.fromkeys(litert_pod.both, 0), logs
    assert answered == [24] * len(begun), logs


def test_pod__has_no_right_that_the_manifest_does_not_give(servers: Pod) -> None:
    for name, container in zip(servers.both, (KSERVE_CONTAINER, TRANSFORMER_CONTAINER), strict=True):
        rights = json.loads(docker("exec", name, "python", "-c", RIGHTS).stdout)
        assert rights == {
            "uids": ["10001"] * 4,
            "gids": ["10001"] * 4,
            "groups": ["10001"],
            "capabilities": [""],
            "no_new_privileges": "1",
            "seccomp": "2",
            "written": ["/tmp"],
            "networks": ["lo"],
            "max_memory_bytes": int(parse_quantity(container_of(container)["resources"]["limits"]["memory"])),
        }


def test_tools__predict_by_the_pod(servers: Pod, recording: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "one.ogg").write_bytes(recording(6.0))
    readable(tmp_path)
    mount = ["--mount", f"type=bind,src={tmp_path},dst=/recordings,readonly"]
    place = ["--rm", "--network", f"container:{servers.predictor}", *RESTRICTED, *mount]
    command = ["predict", "--url", "http://127.0.0.1:8080", "--format", "json", "/recordings/one.ogg"]
    (line,) = docker("run", *place, image("tools"), *command).stdout.splitlines()
    assert len(json.loads(line)["windows"]) == 2


def test_tools__have_the_commands_that_the_page_names() -> None:
    page = (Path(__file__).parents[3] / "docs" / "images.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| `silencio/tools` .*$", page, re.MULTILINE)
    names = re.findall(r"`(\w+)`", row.partition("subcommand")[2])
    assert {"predict", "release"} <= set(names)
    each = " && ".join(f"silencio {name} --help >/dev/null" for name in names)
    docker("run", "--rm", "--network", "none", *RESTRICTED, "--entrypoint", "sh", image("tools"), "-c", each)


def test_server_without_a_bundle__ends_by_one_sentence(tmp_path: Path) -> None:
    done = docker("run", "--rm", "--network", "none", *RESTRICTED, image("predictor"), "--http_port=8085", check=False)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.decode().splitlines() if line.startswith("error:")]
    assert "/mnt/models" in line


@pytest.mark.parametrize("target", ["predictor", "transformer", "tools", "train", "monitor", "tracking"])
def test_image__carries_its_labels_and_no_root(target: str) -> None:
    (found,) = json.loads(docker("image", "inspect", image(target)).stdout)
    labels = found["Config"]["Labels"]
    assert found["Config"]["User"] == "10001:10001"
    assert labels["org.opencontainers.image.title"] == f"silencio {target}"
    assert labels["org.opencontainers.image.version"] == VERSION


def test_train__runs_a_pipelines_command_without_a_network() -> None:
    """KFP starts a step by `sh -c`, and imports what it runs."""
    # The first makes torchvision importable beside torch for processors, as it does for every step that trains.
    code = (
        "import silencio.models, kfp, lightning, mlflow, timm, torch, pipelines.step_process; print(torch.version.cuda)"
    )
    place = ["--rm", "--network", "none", *RESTRICTED]
    done = docker("run", *place, image("train"), "sh", "-c", f"python3 -c '{code}' && silencio list")
    assert done.stdout.decode().startswith("None\n")
