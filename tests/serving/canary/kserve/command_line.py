"""`silencio release … --isvc` as a user types it: processes, a kubeconfig, two bundles, a policy in a file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from silencio.release.policy import ReleasePolicy
from silencio.release.record import ReleaseRecord
from tests.serving.canary.kserve.api_server import NAMESPACE
from tests.serving.canary.kserve.controllers import REVISIONS, ROUTES, SERVICES
from tests.serving.canary.kserve.scripted_prometheus import ScriptedPrometheus, answering
from tests.serving.canary.kserve.stage import CHALLENGER, CHAMPION, NAME, Stage
from tests.waiting import HANG_S, until

ISVC = f"{NAMESPACE}/{NAME}"
_LEASE = ("leases.coordination.k8s.io", NAMESPACE, f"silencio-release-{NAME}")
_RECORD = ("configmaps", NAMESPACE, f"silencio-release-{NAME}")
_OF_A_RELEASE = "silencio.io/release"


@dataclass
class CommandLine:
    """A terminal before a cluster.

    Attributes:
        stage: The cluster.
        prometheus: Counts both arms.
        prometheus_url: Its address.
        bundles: Has `champion` and `challenger`.
        folder: Working folder.
        started: Processes in the background.
    """

    stage: Stage
    prometheus: ScriptedPrometheus
    prometheus_url: str
    bundles: Path
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        """A command until it has ended."""
        return subprocess.run(
            self._words(command, *words), **self._process, capture_output=True, timeout=HANG_S, check=False
        )

    def begin(self, command: str, *words: str) -> subprocess.Popen[str]:
        """A command that goes on; it is killed when the test is over."""
        process = subprocess.Popen(
            self._words(command, *words), **self._process, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.started.append(process)
        return process

    def start(self, **policy: Any) -> subprocess.CompletedProcess[str]:
        """`silencio release start` with both bundles, under the shipped rules with times of moments."""
        path = self.folder / "policy.yaml"
        path.write_text(yaml.safe_dump(policy_of_moments(**policy)), encoding="utf-8")
        places = ["--champion-uri", CHAMPION.place, "--challenger-uri", CHALLENGER.place]
        bundles = ["--champion", str(self.bundles / "champion"), "--challenger", str(self.bundles / "challenger")]
        return self.run("start", *bundles, *places, "--policy", str(path), "--by", "ana")

    @property
    def record(self) -> ReleaseRecord:
        """As the ConfigMap has it."""
        with self.stage.api.lock:
            return ReleaseRecord.model_validate_json(self.stage.api.objects[_RECORD]["data"]["record.json"])

    @property
    def share_percent(self) -> float:
        """What is routed to the challenger."""
        return routed_percent(self.stage)

    def reaches(self, percent: float) -> None:
        """Wait until so much is routed to the challenger, and the record says so."""
        until(lambda: self.share_percent == self.record.share_percent == percent, lambda: self.record)

    def let_the_lease_end(self) -> None:
        """As 75 seconds do: its last renewal lies further back."""
        with self.stage.api.lock:
            lease = self.stage.api.objects[_LEASE]
            lease["spec"]["renewTime"] = "2020-01-01T00:00:00.000000Z"

    def _words(self, command: str, *words: str) -> list[str]:
        prometheus = ["--prometheus", self.prometheus_url]
        return [sys.executable, "-m", "silencio", "release", command, "--isvc", ISVC, *prometheus, *words]

    @property
    def _process(self) -> dict[str, Any]:
        return {"env": self.environment, "cwd": self.folder, "text": True}


def kill(process: subprocess.Popen[str]) -> None:
    """With -9."""
    process.send_signal(signal.SIGKILL)
    process.wait()


@contextmanager
def command_line(stage: Stage, bundles: Path, folder: Path) -> Iterator[CommandLine]:
    """A terminal whose cluster's controllers have a turn at each look at the InferenceService."""
    _let_controllers_move(stage)
    stage.controllers.ready_since = "2020-01-01T00:00:00Z"
    stage.settle()
    prometheus = ScriptedPrometheus(lambda: routed_percent(stage))
    with ExitStack() as stack:
        url = stack.enter_context(answering(prometheus))
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment |= {
            "KUBECONFIG": str(kubeconfig(stage.url, folder / "kubeconfig")),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "SILENCIO_RELEASE_FILES": str(folder / "files"),
            "SILENCIO_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "200",
        }
        terminal = CommandLine(stage, prometheus, url, bundles, folder, environment)
        try:
            yield terminal
        finally:
            for process in terminal.started:
                if process.poll() is None:
                    kill(process)
                if process.stdout is not None:
                    process.stdout.close()


def routed_percent(stage: Stage) -> float:
    """What the Knative route or the HTTPRoute sends to pods that a release brought."""
    objects = stage.api.objects
    with stage.api.lock:
        if stage.mode == "Standard":
            refs = objects[ROUTES, NAMESPACE, NAME]["spec"]["rules"][0]["backendRefs"]
            return float(sum(one.get("weight", 1) for one in refs if one["name"] != f"{NAME}-predictor"))
        traffic = objects[SERVICES, NAMESPACE, NAME]["status"]["components"]["predictor"]["traffic"]
        ours = [one for one in traffic if _is_of_a_release(stage, one["revisionName"])]
        return float(sum(one["percent"] for one in ours))


def _is_of_a_release(stage: Stage, revision: str) -> bool:
    labels = stage.api.objects[REVISIONS, NAMESPACE, revision]["metadata"]["labels"]
    return labels.get(_OF_A_RELEASE, "none") != "none"


def policy_of_moments(**changes: Any) -> dict[str, Any]:
    """The shipped rules; nothing waits for time, nor for labelled recordings and simulated users."""
    policy = ReleasePolicy.shipped().model_dump(mode="json")
    policy |= {"look_every_s": 0.02, "settle_s": 0.0, "min_s": 0.0, "bake_s": 0.0, "min_simulated_requests": 0}
    policy["rules"]["replay"]["must_have_data"] = False
    policy["rules"]["reachability"]["limit"] = 1.0
    return {**policy, **changes}


def _let_controllers_move(stage: Stage) -> None:
    answer = stage.api.answer

    def answer_after_a_turn(method: str, url: str, headers: Any, body: Any) -> Any:
        with stage.api.lock:
            if method == "GET" and "/inferenceservices/" in url:
                stage.controllers.step()
            return answer(method, url, headers, body)

    stage.api.answer = answer_after_a_turn  # type: ignore[method-assign]


def kubeconfig(url: str, path: Path) -> Path:
    """A kubeconfig for this API server."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "users": [{"name": "ana", "user": {"token": "none"}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "ana", "namespace": NAMESPACE}}],
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    return path
