"""The serving pod of a rendered manifest, run by Docker as kubelet would run it.

Command, arguments, environment, limits and security settings are the manifest's; a setting that nothing here knows how
to hand on ends the tests.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import httpx
from kubernetes.utils.quantity import parse_quantity

from components.image import VERSION
from delivery import rendered
from delivery.kserve_pods import TRANSFORMER_CONTAINER
from delivery.render import Object
from delivery.servers import server_of
from serving.canary.kserve.predictors import KSERVE_CONTAINER
from serving.server.protocol import DRAIN_TIMEOUT_S
from silencio.network import free_ports
from tests.delivery.overlays import golden_objects
from tests.waiting import HANG_S, until

OVERLAY = "local"
# The volume that KServe adds, which has the bundle.
_BUNDLE_VOLUME = "kserve-provision-location"
_CONTAINER_FIELDS = {"name", "image", "command", "args", "env", "ports", "resources", "securityContext", "volumeMounts"}
_CONTAINER_FIELDS |= {"lifecycle"}
_PROBES = {"startupProbe", "readinessProbe", "livenessProbe"}
_SECURITY_FIELDS = {"allowPrivilegeEscalation", "capabilities", "fsGroup", "readOnlyRootFilesystem", "runAsGroup"}
_SECURITY_FIELDS |= {"runAsNonRoot", "runAsUser", "seccompProfile"}
# Of the pod what a scheduler, a service or the API server makes of it.
_OTHERS_FIELDS = {
    "automountServiceAccountToken",
    "enableServiceLinks",
    "serviceAccountName",
    "topologySpreadConstraints",
}
_POD_FIELDS = {"containers", "volumes", "securityContext", "terminationGracePeriodSeconds"} | _OTHERS_FIELDS
# As Kubernetes' restricted pod security, for what is no container of a manifest.
RESTRICTED = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
_RELAY = Path(__file__).parent / "relay.py"


def image(target: str) -> str:
    return f"silencio/{target}:{VERSION}"


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(["docker", *arguments], capture_output=True, check=False, timeout=HANG_S)
    assert not check or done.returncode == 0, (arguments, done.stdout[-500:], done.stderr[-2000:])
    return done


def readable(bundle: Path) -> Path:
    """As a volume is: whoever runs may read it."""
    for path in [bundle, *bundle.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return bundle


@cache
def rendered_pod() -> rendered.Pod:
    """The one pod of the overlay."""
    (pod,) = rendered.Rendered(golden_objects(OVERLAY)).pods
    return pod


def container_of(name: str) -> Object:
    (found,) = (one for one in rendered_pod().containers if one["name"] == name)
    return found


def options_of(
    container: Object,
    volumes: Mapping[str, Path],
    pod: rendered.Pod | None = None,
    given: Mapping[str, str] | None = None,
) -> list[str]:
    """Docker's options for a container of a manifest, its image and what it runs.

    Args:
        container: One of the pod's.
        volumes: A folder of this machine for each of the pod's volumes, by name.
        pod: None: the serving pod.
        given: Variables that the manifest takes from secrets.
    """
    spec = (pod or rendered_pod()).spec
    assert set(spec) <= _POD_FIELDS, "kubelet would do something of it"
    assert set(container) <= _CONTAINER_FIELDS | _PROBES, "kubelet would do something of it"
    options = [*_security({**(spec.get("securityContext") or {}), **(container.get("securityContext") or {})})]
    options += _resources(container["resources"])
    for variable in container.get("env") or ():
        value = variable["value"] if "value" in variable else (given or {})[variable["name"]]
        options += ["--env", f"{variable['name']}={value}"]
    for mount in container["volumeMounts"]:
        read_only = ",readonly" if mount.get("readOnly") else ""
        options += ["--mount", f"type=bind,src={volumes[mount['name']]},dst={mount['mountPath']}{read_only}"]
    program, *words = container["command"]
    return [*options, "--entrypoint", program, container["image"], *words, *container["args"]]


def _security(context: Object) -> Iterator[str]:
    assert set(context) <= _SECURITY_FIELDS
    # Docker's own profile is what container runtimes take by default.
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert set(context["capabilities"]) == {"drop"}
    yield from ("--user", f"{context['runAsUser']}:{context['runAsGroup']}", "--group-add", str(context["fsGroup"]))
    for name in context["capabilities"]["drop"]:
        yield from ("--cap-drop", name)
    if context["readOnlyRootFilesystem"]:
        yield "--read-only"
    if not context["allowPrivilegeEscalation"]:
        yield from ("--security-opt", "no-new-privileges")


def _resources(resources: Object) -> Iterator[str]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    assert set(limits) <= {"cpu", "memory"}
    if "memory" in limits:
        n_bytes = str(int(parse_quantity(limits["memory"])))
        yield from ("--memory", n_bytes, "--memory-swap", n_bytes)
    if "cpu" in limits:
        yield from ("--cpus", str(parse_quantity(limits["cpu"])))
    if "cpu" in requests:
        yield from ("--cpu-shares", str(int(parse_quantity(requests["cpu"]) * 1024)))


class Pod:
    """Predictor and transformer with one bundle and one network, which is loopback alone.

    Args:
        bundle: A folder that everybody may read.
        folder: For the pod's other volumes, and sockets by which this machine reaches its ports.

    Attributes:
        url: The transformer's, on this machine.
        grpc_address: The predictor's gRPC side, on this machine.
    """

    def __init__(self, bundle: Path, folder: Path) -> None:
        self._name = f"silencio-{uuid.uuid4().hex[:8]}"
        self.predictor, self.transformer = f"{self._name}-predictor", f"{self._name}-transformer"
        self._volumes = {_BUNDLE_VOLUME: bundle}
        for volume in rendered_pod().spec["volumes"]:
            assert set(volume) == {"name", "emptyDir"}
            self._volumes[volume["name"]] = folder / volume["name"]
        self._sockets = folder / "relay"
        for place in (self._sockets, *self._volumes.values()):
            if place != bundle:
                place.mkdir()
                place.chmod(0o777)
        self._ports = {
            (name, what): (port, ours)
            for (name, what, port), ours in zip(_listening(), free_ports(len(_listening())), strict=True)
        }
        self.url = f"http://{self._reached(TRANSFORMER_CONTAINER, 'http')}"
        self.grpc_address = self._reached(KSERVE_CONTAINER, "grpc")
        self._relay: subprocess.Popen[bytes] | None = None

    @property
    def both(self) -> tuple[str, str]:
        return self.predictor, self.transformer

    def start(self) -> None:
        self._run(self.predictor, ["--network", "none", *options_of(container_of(KSERVE_CONTAINER), self._volumes)])
        beside = ["--network", f"container:{self.predictor}"]
        self._run(self.transformer, [*beside, *options_of(container_of(TRANSFORMER_CONTAINER), self._volumes)])
        here, there = zip(*(self._relayed(port, ours) for port, ours in self._ports.values()), strict=True)
        mount = ["--mount", f"type=bind,src={self._sockets},dst=/relay", *RESTRICTED]
        relay = ["--entrypoint", "python", image("tools"), "-c", _RELAY.read_text(encoding="utf-8"), *there]
        self._run(f"{self._name}-relay", [*beside, *mount, *relay])
        self._relay = subprocess.Popen([sys.executable, "-I", str(_RELAY), *here])

    def _relayed(self, port: int, ours: int) -> tuple[str, str]:
        return f"127.0.0.1:{ours}={self._sockets}/{port}", f"/relay/{port}=127.0.0.1:{port}"

    def _reached(self, name: str, what: str) -> str:
        return f"127.0.0.1:{self._ports[name, what][1]}"

    def _run(self, name: str, options: list[str]) -> None:
        docker("run", "--detach", "--name", name, *options)

    def wait_until_ready(self) -> None:
        """By the manifest's own probes."""
        for name in (KSERVE_CONTAINER, TRANSFORMER_CONTAINER):
            probe = container_of(name)["readinessProbe"]["httpGet"]
            assert probe["port"] == self._ports[name, "http"][0]
            url = f"http://{self._reached(name, 'http')}{probe['path']}"
            until(lambda url=url: self._is_ready(url), lambda: "\n".join(map(self.log, self.both)))

    def _is_ready(self, url: str) -> bool:
        for name in self.both:
            assert self.state(name)["Running"], (name, self.log(name))
        with contextlib.suppress(httpx.TransportError):  # it does not listen yet
            return httpx.get(url, trust_env=False, timeout=HANG_S).is_success
        return False

    def takes_connections(self) -> bool:
        """Whether each server still listens, as its network tells."""
        listening = "import socket, sys; [socket.create_connection(('127.0.0.1', int(one))) for one in sys.argv[1:]]"
        ports = [str(port) for (_, what), (port, _) in self._ports.items() if what == "http"]
        inside = ["exec", f"{self._name}-relay", "python", "-c", listening, *ports]
        return docker(*inside, check=False).returncode == 0

    def end(self) -> dict[str, int]:
        """Both at once, by the hook, SIGTERM, and SIGKILL after what the grace leaves; their exit codes."""
        with ThreadPoolExecutor(len(self.both)) as threads:
            list(threads.map(self._end, self.both, (KSERVE_CONTAINER, TRANSFORMER_CONTAINER)))
        return {name: int(str(self.state(name)["ExitCode"])) for name in self.both}

    def _end(self, name: str, container: str) -> None:
        grace_s = int(rendered_pod().spec["terminationGracePeriodSeconds"])
        if hook := container_of(container).get("lifecycle"):
            docker("exec", name, *hook["preStop"]["exec"]["command"])
            # Kubelet counts from the hook's beginning: what a hook at its longest would leave.
            grace_s -= DRAIN_TIMEOUT_S
        docker("stop", "--time", str(grace_s), name)

    def state(self, name: str) -> dict[str, object]:
        return dict(json.loads(docker("inspect", "--format", "{{json .State}}", name).stdout))

    def log(self, name: str) -> str:
        done = docker("logs", "--tail", "50", name, check=False)
        return (done.stdout + done.stderr).decode()

    def remove(self) -> None:
        docker("rm", "--force", f"{self._name}-relay", *reversed(self.both), check=False)
        if self._relay is not None:
            self._relay.terminate()
            self._relay.wait(HANG_S)


@contextlib.contextmanager
def running_pod(bundle: Path, folder: Path) -> Iterator[Pod]:
    """A pod that is ready."""
    pod = Pod(bundle, folder)
    try:
        pod.start()
        pod.wait_until_ready()
        yield pod
    finally:
        pod.remove()


@cache
def _listening() -> list[tuple[str, str, int]]:
    """Container, purpose and number of each port."""
    return [
        (str(one["name"]), what, port)
        for one in rendered_pod().containers
        for what, port in server_of(one).ports.items()
    ]
