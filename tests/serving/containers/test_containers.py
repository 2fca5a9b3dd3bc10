"""The built images as a cluster runs them: without rights, and with one network for both servers of a pod.

scripts/with_docker_engine.sh make images containers
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from components.image import VERSION
from silencio.bundle import Bundle, Scorer
from silencio.bundle.placeholder import write_placeholder_bundle
from tests.litert_bundle import write_litert_bundle
from tests.waiting import HANG_S, until

pytestmark = pytest.mark.images

# As Kubernetes' restricted pod security, with the one place that may be written.
RESTRICTED = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
MOUNTED = "/mnt/models"
PREDICTOR = ["--enable_grpc=true", "--grpc_port=8086", "--http_port=8085", "--host=0.0.0.0"]
TRANSFORMER = ["--predictor_host=127.0.0.1:8086", "--http_port=8080", "--host=0.0.0.0"]
# A client beside the servers, since nothing outside their network reaches them; it fails where the answer is none.
ASK = """
import sys, httpx
method, url = sys.argv[1:]
answer = httpx.request(method, url, content=sys.stdin.buffer.read(), headers={"Content-Type": "application/json"},
                       trust_env=False, timeout=None)
sys.stdout.write(answer.text)
sys.exit(answer.status_code != 200)
"""
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
    "no_new_privileges": status["NoNewPrivs"], "written": written, "networks": os.listdir("/sys/class/net"),
}))
"""


def image(target: str) -> str:
    return f"silencio/{target}:{VERSION}"


def docker(*arguments: str, given: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(["docker", *arguments], input=given, capture_output=True, check=False, timeout=HANG_S)
    assert not check or done.returncode == 0, (arguments, done.stdout[-500:], done.stderr[-2000:])
    return done


class Pod:
    """A predictor and a transformer with one bundle and one network, which is loopback alone."""

    def __init__(self, bundle: Path) -> None:
        self._name = f"silencio-{uuid.uuid4().hex[:8]}"
        self.predictor, self.transformer = f"{self._name}-predictor", f"{self._name}-transformer"
        self._start("predictor", bundle, "none", PREDICTOR)
        self._start("transformer", bundle, f"container:{self.predictor}", TRANSFORMER)

    @property
    def both(self) -> tuple[str, str]:
        return self.predictor, self.transformer

    def _start(self, target: str, bundle: Path, network: str, options: list[str]) -> None:
        mount = ["--mount", f"type=bind,src={bundle},dst={MOUNTED},readonly"]
        place = ["--name", f"{self._name}-{target}", "--network", network]
        docker("run", "--detach", *place, *RESTRICTED, *mount, image(target), *options)

    def ask(self, method: str, path: str, body: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
        command = ["python", "-c", ASK, method, f"http://127.0.0.1:8080{path}"]
        return docker("exec", "--interactive", self.transformer, *command, given=body, check=check)

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            for name in self.both:
                assert self.state(name)["Running"], (name, self.log(name))
            return self.ask("GET", "/v2/health/ready", check=False).returncode == 0

        until(is_ready, lambda: "\n".join(map(self.log, self.both)))

    def state(self, name: str) -> dict[str, object]:
        return dict(json.loads(docker("inspect", "--format", "{{json .State}}", name).stdout))

    def log(self, name: str) -> str:
        done = docker("logs", "--tail", "50", name, check=False)
        return (done.stdout + done.stderr).decode()

    def remove(self) -> None:
        docker("rm", "--force", *reversed(self.both), check=False)


def readable(bundle: Path) -> Path:
    """As a volume is: whoever runs may read it."""
    for path in [bundle, *bundle.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return bundle


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """Without the images there is nothing to test, which is no success."""
    done = docker("image", "inspect", *map(image, ("predictor", "transformer", "tools")), check=False)
    if done.returncode != 0:
        pytest.fail(f"no images: scripts/with_docker_engine.sh make images containers ({done.stderr.decode().strip()})")


@pytest.fixture(scope="module", params=[write_placeholder_bundle, write_litert_bundle], ids=["onnx", "litert"])
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whose graph is all, and one that brings an encoder which LiteRT runs."""
    return readable(request.param(tmp_path_factory.mktemp("bundle") / "one"))


@pytest.fixture(scope="module")
def pod(bundle: Path) -> Iterator[Pod]:
    pod = Pod(bundle)
    try:
        pod.wait_until_ready()
        yield pod
    finally:
        pod.remove()


def test_pod__predicts_the_bundles_own_numbers(pod: Pod, bundle: Path, recording: Callable[..., bytes]) -> None:
    encoded = recording(12.0)
    request = {
        "instances": [{"audio": {"b64": base64.b64encode(encoded).decode()}}],
        "parameters": {"top_k": "all"},
    }
    answer = pod.ask("POST", "/v1/models/silencio:predict", json.dumps(request).encode())
    (prediction,) = json.loads(answer.stdout)["predictions"]
    scorer = Scorer(Bundle(bundle))
    scored = scorer(encoded)
    codes = [one.code for one in scorer.bundle.manifest.classes]
    found = [
        [{species["code"]: species["raw_probability"] for species in window["species"]}[code] for code in codes]
        for window in prediction["windows"]
    ]
    assert [window["start_s"] for window in prediction["windows"]] == pytest.approx(list(scored.starts_s))
    np.testing.assert_allclose(found, scored.probabilities, atol=1e-6)


def test_pod__has_no_right_that_it_does_not_need(pod: Pod) -> None:
    for name in pod.both:
        rights = json.loads(docker("exec", name, "python", "-c", RIGHTS).stdout)
        assert rights == {
            "uids": ["10001"] * 4,
            "gids": ["10001"] * 4,
            "capabilities": [""],
            "no_new_privileges": "1",
            "written": ["/tmp"],
            "networks": ["lo"],
        }


def test_tools__predict_by_the_pod(pod: Pod, recording: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "one.ogg").write_bytes(recording(6.0))
    readable(tmp_path)
    mount = ["--mount", f"type=bind,src={tmp_path},dst=/recordings,readonly"]
    place = ["--rm", "--network", f"container:{pod.predictor}", *RESTRICTED, *mount]
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


def test_pod__ends_in_order_by_sigterm(tmp_path: Path) -> None:
    """As process 1 a server gets no signal that it has no handler for: it would be killed after a minute."""
    pod = Pod(readable(write_placeholder_bundle(tmp_path / "bundle")))
    try:
        pod.wait_until_ready()
        for name in pod.both:
            docker("kill", "--signal", "TERM", name)
        codes = {name: docker("wait", name).stdout.strip() for name in pod.both}
        assert codes == dict.fromkeys(pod.both, b"0"), [pod.log(name) for name in pod.both]
    finally:
        pod.remove()


def test_server_without_a_bundle__ends_by_one_sentence(tmp_path: Path) -> None:
    done = docker("run", "--rm", "--network", "none", *RESTRICTED, image("predictor"), *PREDICTOR, check=False)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.decode().splitlines() if line.startswith("error:")]
    assert "/mnt/models" in line


@pytest.mark.parametrize("target", ["predictor", "transformer", "tools", "train"])
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
