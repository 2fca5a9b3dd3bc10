"""A cluster with one InferenceService that serves a champion, and a release of a challenger on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import kubernetes.client
import yaml

from serving.canary.kserve import Cluster, ConfigMapStore, KServeRoute
from silencio.errors import RouteError
from silencio.release.record import BundleIdentity, ReleaseRecord
from tests.delivery.overlays import golden_objects
from tests.serving.canary.kserve.api_server import NAMESPACE, KubernetesApi, merge
from tests.serving.canary.kserve.controllers import SERVICES, Controllers
from tests.waiting import HANG_S

Mode = Literal["Knative", "Standard"]
MODES: tuple[Mode, Mode] = ("Knative", "Standard")
NAME = "silencio"
ROLE = Path(__file__).parents[4] / "manifests" / "release" / "role.yaml"
STEPS = (5, 10, 25, 50, 100)
NOW = datetime(2026, 11, 30, 6, 10, tzinfo=UTC)
CHAMPION = BundleIdentity(version="12", manifest_sha256="c" * 64, place="s3://bundles/12/")
CHALLENGER = BundleIdentity(version="13", manifest_sha256="d" * 64, place="s3://bundles/13/")


class _Client(kubernetes.client.ApiClient):
    """A client that waits for a patch as long as a test wants; what else it reads may take a slow machine long."""

    def __init__(self, settings: kubernetes.client.Configuration, patch_timeout_s: float) -> None:
        super().__init__(settings)
        self._patch_timeout_s = patch_timeout_s

    def request(self, method: str, *arguments: Any, **options: Any) -> Any:
        if method == "PATCH":
            options["_request_timeout"] = (HANG_S, self._patch_timeout_s)
        return super().request(method, *arguments, **options)


@dataclass
class Stage:
    """All of it.

    Attributes:
        mode: Of the InferenceService.
        api: The API server.
        controllers: Behind it.
        url: Its address.
        patch_timeout_s: How long clients wait for the answer to a patch, and to nothing else.
        seen: The route's generation as seen last.
    """

    mode: Mode
    api: KubernetesApi
    controllers: Controllers
    url: str
    patch_timeout_s: float = HANG_S
    seen: str = ""

    @property
    def service(self) -> dict[str, Any]:
        return self.controllers.service

    @property
    def predictor(self) -> dict[str, Any]:
        return self.service["spec"]["predictor"]

    def cluster(self) -> Cluster:
        """A new client, as a process that was started anew has."""
        settings = kubernetes.client.Configuration()
        settings.host = self.url
        settings.proxy = None
        settings.retries = False
        return Cluster(_Client(settings, self.patch_timeout_s), NAMESPACE, request_timeout_s=(HANG_S, HANG_S))

    def route(self, **options: Any) -> KServeRoute:
        """The route as a process that was started anew has it."""
        return KServeRoute(self.cluster(), NAME, now=lambda: NOW, **options)

    def store(self) -> ConfigMapStore:
        return ConfigMapStore(self.cluster(), NAME)

    def settle(self) -> None:
        self.controllers.settle()

    def edit(self, change: Any) -> None:
        """What somebody else writes into the InferenceService: a merge patch."""
        self.api.put(SERVICES, NAME, merge(self.service, change))

    def offered(self) -> KServeRoute:
        """Offer the challenger, and wait for its pods."""
        self.route().offer(record())
        self.settle()
        return self.route()

    def at(self, percent: int) -> KServeRoute:
        """Offer the challenger, and give it a share."""
        route = self.offered()
        route.set_share(percent, expected_generation=route.state().generation)
        self.settle()
        return self.route()

    def baking(self) -> KServeRoute:
        """The challenger is promoted, the champion not retired."""
        self.at(100).promote(record())
        self.settle()
        return self.route()

    def retire(self) -> None:
        """As the judge does: at each look, until it is done."""
        for _ in range(10):
            try:
                self.route().retire(record())
            except RouteError as error:
                assert "the next look goes on" in str(error), error
                self.settle()
                continue
            self.settle()
            return
        raise AssertionError("it is never done")


def record(**changes: Any) -> ReleaseRecord:
    """A release of the challenger."""
    fields: dict[str, Any] = {
        "release_id": "release-13",
        "champion": CHAMPION,
        "challenger": CHALLENGER,
        "policy": {"steps": [0, *STEPS]},
        "began_at": "2026-11-30T06:00:00Z",
    }
    return ReleaseRecord(**{**fields, **changes})


def inference_service(mode: Mode) -> dict[str, Any]:
    """A champion as somebody wrote it who has not heard of releases; two containers in one pod."""
    kserve_container = {
        "name": "kserve-container",
        "image": "registry.example/silencio/predictor:0.1.0",
        "args": ["--bundle", "/mnt/models"],
        "env": [{"name": "STORAGE_URI", "value": CHAMPION.place}],
    }
    transformer = {"name": "transformer-container", "image": "registry.example/silencio/transformer:0.1.0"}
    predictor = {"minReplicas": 1, "maxReplicas": 4, "containers": [kserve_container, transformer]}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "labels": {"team": "reserve"},
            "annotations": {
                "serving.kserve.io/deploymentMode": mode,
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
            },
        },
        "spec": {"predictor": predictor},
        "status": {},
    }


def shipped(stage: Stage) -> dict[str, Any]:
    """Put the InferenceService as an overlay of this mode renders it in the champion's place."""
    name = "staging" if stage.mode == "Standard" else "canary-knative"
    (service,) = (one for one in golden_objects(name) if one["kind"] == "InferenceService")
    del stage.api.objects[SERVICES, NAMESPACE, NAME]
    stage.api.put(SERVICES, NAME, {**service, "status": {}})
    stage.settle()
    return stage.service


def verbs_of_role(path: Path = ROLE) -> set[tuple[str, str]]:
    """Pairs of verb and resource that a Role allows, by default that of manifests/release."""
    (role,) = (one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one["kind"] == "Role")
    return {
        (verb, f"{resource}.{group}" if group else resource)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def kserve_settings(version: str = "0.21.0", *, gateway_api: bool = True) -> dict[str, Any]:
    """KServe's own ConfigMap."""
    enabled = str(gateway_api).lower()
    return {
        "metadata": {},
        "data": {
            "ingress": f'{{"enableGatewayApi": {enabled}, "ingressDomain": "example.org"}}',
            "agent": f'{{"image": "kserve/agent:v{version}"}}',
        },
    }
