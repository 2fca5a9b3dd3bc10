"""What `kubectl apply -k` would send: every overlay and component through every check, as it is committed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from delivery.checks import findings_of
from delivery.digests import PINNED
from delivery.given import CLUSTER_KINDS
from delivery.kserve_pods import QUEUE_PROXY
from delivery.render import Object, has_kubectl, objects_of, render, rendered_text
from delivery.rendered import Rendered, matches, name_of, namespace_of
from silencio import __version__
from silencio.errors import ConfigError
from tests.delivery.overlays import (
    ALONE,
    MANIFESTS,
    NAMES,
    PINNED_OVERLAYS,
    RESTORE,
    ROOT,
    SERVING,
    SHIPPED,
    comparable,
    folder_of,
    golden,
    golden_objects,
    write_overlays,
)

needs_kubectl = pytest.mark.skipif(not has_kubectl(), reason="kubectl is not installed")


@pytest.fixture(scope="module")
def overlays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_overlays(tmp_path_factory.mktemp("overlays"))


def _one(name: str, kind: str, called: str = "silencio") -> Object:
    (found,) = (one for one in golden_objects(name) if one["kind"] == kind and name_of(one) == called)
    return found


@pytest.mark.parametrize("name", (*SHIPPED, *ALONE))
def test_golden__has_nothing_against_it(name: str) -> None:
    assert [str(one) for one in findings_of(Rendered(golden_objects(name)))] == []


@pytest.mark.parametrize("version", ["1.32", "1.34", "1.36"])
@pytest.mark.parametrize("name", [*SHIPPED, RESTORE])
def test_golden__is_what_kubernetes_takes_strictly(name: str, version: str) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="its schemas are not at hand: make extras")
    unknown = set()
    for one in golden_objects(name):
        try:
            validate.validate(one, version, strict=True)
        except validate.SchemaNotFoundError:
            unknown.add(one["kind"])
    assert unknown <= {
        "InferenceService",
        "ServingRuntime",
        "PodMonitor",
        "ScrapeConfig",
        "ExternalSecret",
        *CLUSTER_KINDS,
        "LocalQueue",
    }


@needs_kubectl
@pytest.mark.parametrize("name", NAMES)
def test_golden__is_what_is_rendered(name: str, overlays: Path) -> None:
    why = "look at the difference, then write it anew: .venv/bin/python -m tests.delivery.overlays"
    assert comparable(rendered_text(folder_of(name, overlays))) == comparable(golden(name)), why


@needs_kubectl
@pytest.mark.parametrize("name", PINNED_OVERLAYS)
def test_overlay__refuses_to_render_until_digests_are_known(name: str, tmp_path: Path) -> None:
    assert not (MANIFESTS / "overlays" / name / PINNED).exists(), "a digest of no registry is committed"
    manifests = shutil.copytree(MANIFESTS, tmp_path / "manifests")
    with pytest.raises(ConfigError, match=rf"scripts/pin_digests.py --overlay {name}"):
        render(manifests / "overlays" / name)


def test_overlays__are_those_that_are_shipped() -> None:
    assert {one.name for one in (MANIFESTS / "overlays").iterdir()} == set(SHIPPED)


@pytest.mark.parametrize("name", SERVING)
def test_overlay__names_its_namespace_once(name: str) -> None:
    text = (MANIFESTS / "overlays" / name / "kustomization.yaml").read_text(encoding="utf-8")
    assert len(re.findall(rf"\bsilencio-{name}\b", text)) == 1
    assert {namespace_of(one) for one in golden_objects(name)} - {"", "kserve"} == {f"silencio-{name}"}


def test_production__serves_through_a_drain_and_is_ready_for_a_release() -> None:
    service, budget = _one("production", "InferenceService"), _one("production", "PodDisruptionBudget")
    predictor = service["spec"]["predictor"]
    assert predictor["minReplicas"] - budget["spec"]["minAvailable"] >= 1
    assert predictor["deploymentStrategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert predictor["name"], "the champion's pods would be made anew at the first promotion"
    assert _one("production", "Deployment", "silencio-release")


def test_production__holds_no_secret_and_names_each() -> None:
    objects = golden_objects("production")
    assert not [one for one in objects if one["kind"] == "Secret"]
    external = {one["spec"]["target"]["name"] for one in objects if one["kind"] == "ExternalSecret"}
    assert external == {
        "silencio-bundles",
        "silencio-dashboard",
        "silencio-drift-reader",
        "silencio-keys",
        "silencio-prediction-log",
    }


@pytest.mark.parametrize("name", PINNED_OVERLAYS[:2])
def test_platform__serves_what_environments_reach(name: str) -> None:
    together = Rendered([*golden_objects(name), *golden_objects("platform")])
    assert [str(one) for one in findings_of(together)] == []
    together.find("Service", "silencio-platform", "s3")["spec"]["ports"][0]["port"] = 9000
    assert {one.check for one in findings_of(together)} == {"addresses"}, "both ends are held against each other"


def test_platform__lets_environments_in_by_the_label_that_they_have() -> None:
    policies = {name_of(one): one["spec"] for one in golden_objects("platform") if one["kind"] == "NetworkPolicy"}
    namespace = _one("production", "Namespace", "silencio-production")
    for name in ("s3", "mlflow"):
        (rule,) = policies[name]["ingress"]
        peers = [peer["namespaceSelector"] for peer in rule["from"] if "namespaceSelector" in peer]
        assert any(matches(one, namespace["metadata"]["labels"]) for one in peers)
    for name in ("postgres", "postgres-backup"):
        (rule,) = policies[name]["ingress"]
        assert [set(peer) for peer in rule["from"]] == [{"podSelector"}], "databases are for pods beside them"


def test_platform__has_no_password_in_it() -> None:
    objects = golden_objects("platform")
    assert not [one for one in objects if one["kind"] == "Secret"]
    mlflow = _one("platform", "Deployment", "mlflow")["spec"]["template"]["spec"]["containers"][0]
    secret = {one["name"] for one in mlflow["env"] if "secretKeyRef" in one.get("valueFrom", {})}
    assert {"PGPASSWORD", "MLFLOW_AUTH_ADMIN_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY"} < secret
    assert not re.search(r"://\w+:[^@/]+@", str(objects)), "an address with a password"


def test_restore__runs_beside_the_platform() -> None:
    assert findings_of(Rendered([*golden_objects("platform"), *golden_objects(RESTORE)])) == []


@needs_kubectl
def test_restore__is_what_is_rendered() -> None:
    assert comparable(rendered_text(MANIFESTS / RESTORE)) == comparable(golden(RESTORE))


@pytest.mark.parametrize("name", PINNED_OVERLAYS)
def test_overlay__needs_no_operator_of_prometheus(name: str) -> None:
    """Of an Application with an object of a kind that the cluster does not know nothing is applied."""
    assert not [one for one in golden_objects(name) if one["apiVersion"].startswith("monitoring.coreos.com/")]


def test_operator__gets_objects_of_its_own_where_the_component_is_left_out() -> None:
    kinds = {one["kind"] for one in golden_objects("operator")}
    assert {"PodMonitor", "ScrapeConfig"} <= kinds


def test_local__needs_neither_prometheus_nor_a_store_of_objects() -> None:
    kinds = {one["kind"] for one in golden_objects("local")}
    assert not kinds & {"PodMonitor", "ScrapeConfig", "ExternalSecret", "PodDisruptionBudget", "Deployment"}
    assert _one("local", "InferenceService")["spec"]["predictor"]["model"]["storageUri"].startswith("pvc://")


def test_local__runs_the_images_that_a_clone_builds() -> None:
    (pod,) = Rendered(golden_objects("local")).pods
    names = ("predictor", "transformer")
    assert [one["image"] for one in pod.containers] == [f"silencio/{name}:{__version__}" for name in names]


def test_knative__gives_one_port_and_scrapes_both_servers() -> None:
    (pod,) = Rendered(golden_objects("canary-knative")).pods
    assert [len(one.get("ports") or ()) for one in pod.containers] == [0, 1] and QUEUE_PROXY in pod.others
    transformer, predictor = _one("canary-knative", "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert transformer["port"] == predictor["port"] == "user-port"
    addresses = [one["replacement"] for one in predictor["relabelings"] if one["targetLabel"] == "__address__"]
    assert addresses == ["$1:8085"]
    assert not [one for one in transformer["relabelings"] if one["targetLabel"] == "__address__"]


def test_keda__sums_no_server_twice_that_a_release_scrapes_too() -> None:
    predictor = _one("keda", "InferenceService")["spec"]["predictor"]
    (metric,) = predictor["autoScaling"]["metrics"]
    assert metric["external"]["metric"]["query"] == 'sum(silencio_queue_windows{namespace="silencio-keda",isvc=""})'


@needs_kubectl
def test_two_reserves__stand_side_by_side_in_one_cluster(overlays: Path) -> None:
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    text = re.search(r"`manifests/overlays/north/kustomization.yaml`.*?```yaml\n(.*?)```", page, re.DOTALL)
    assert text, "the page shows a second reserve"
    objects = list[Object]()
    for reserve in ("north", "south"):
        shutil.copytree(overlays / "production" / PINNED.parent, overlays / reserve / PINNED.parent)
        content = text[1].replace("north", reserve)
        (overlays / reserve / "kustomization.yaml").write_text(content, encoding="utf-8")
        objects += objects_of(rendered_text(overlays / reserve))
    assert [str(one) for one in findings_of(Rendered(objects))] == []
    for kind in ("InferenceService", "ServingRuntime", "NetworkPolicy", "Deployment", "ExternalSecret"):
        spaces = {namespace_of(one) for one in objects if one["kind"] == kind}
        assert spaces == {"silencio-north", "silencio-south"}
    names = [(one["kind"], namespace_of(one), name_of(one)) for one in objects]
    assert len(set(names)) == len(names), "whichever is applied last would take it from the other"
    assert {space for _, space, _ in names} == {"", "kserve", "silencio-north", "silencio-south"}
    runtimes = [str(one) for one in objects if one["kind"] == "ServingRuntime"]
    assert ["predictions/north/" in one for one in runtimes] == [True, False], "each keeps its own predictions"
