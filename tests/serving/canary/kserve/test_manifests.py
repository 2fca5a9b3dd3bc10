"""The shipped manifests: arguments that the commands take, ports that fit, objects that the CRDs take."""

from __future__ import annotations

import argparse
import copy
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from delivery.sdk_models import faults_of
from pipelines.cli.release import configure
from serving.canary.kserve.targets import PATH
from tests.serving.canary.kserve.controllers import SERVICES
from tests.serving.canary.kserve.stage import MODES, NAME, ROLE, Mode, Stage, inference_service, record

FOLDER = ROLE.parent
# Schemas made of the CRDs, `<kind>_<version>.json` each.
SCHEMAS = "SILENCIO_CRD_SCHEMAS"


def _objects(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def _of_kind(kind: str) -> dict[str, Any]:
    (found,) = (one for path in FOLDER.glob("*.yaml") for one in _objects(path.name) if one["kind"] == kind)
    return found


def _auto() -> argparse.Namespace:
    (container,) = _of_kind("Deployment")["spec"]["template"]["spec"]["containers"]
    parser = argparse.ArgumentParser()
    configure(parser)
    assert container["args"][0] == "release"
    return parser.parse_args(container["args"][1:])


def test_deployment__runs_what_the_command_takes() -> None:
    options = _auto()
    assert options.command == "auto" and options.forever
    assert options.isvc == "$(NAMESPACE)/$(INFERENCE_SERVICE)", (
        "Kubernetes puts in what the container's environment has"
    )
    (container,) = _of_kind("Deployment")["spec"]["template"]["spec"]["containers"]
    variables = {one["name"]: one.get("valueFrom", {}) for one in container["env"]}
    used = {name for word in container["args"] for name in re.findall(r"\$\((\w+)\)", word)}
    assert used == {"NAMESPACE", "INFERENCE_SERVICE", "PROMETHEUS"} <= set(variables)
    (place,) = _objects("kustomization.yaml")[0]["configMapGenerator"]
    keys = {one.partition("=")[0] for one in place["literals"]}
    for name in ("INFERENCE_SERVICE", "PROMETHEUS"):
        reference = variables[name]["configMapKeyRef"]
        assert reference["name"] == place["name"] and reference["key"] in keys


def test_deployment__is_one_judge_that_nobody_overlaps() -> None:
    spec = _of_kind("Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    assert spec["template"]["spec"]["serviceAccountName"] == _of_kind("ServiceAccount")["metadata"]["name"]


def test_deployment__runs_in_a_restricted_namespace() -> None:
    pod = _of_kind("Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]
    context = container["securityContext"]
    assert not context["allowPrivilegeEscalation"] and context["readOnlyRootFilesystem"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    writable = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {one["value"] for one in container["env"] if one["name"] == "SILENCIO_RELEASE_FILES"} <= writable


def test_prometheus__asks_where_the_judge_answers() -> None:
    options, service = _auto(), _of_kind("Service")
    ports = {one["name"]: one["port"] for one in service["spec"]["ports"]}
    assert ports == {"metrics": options.metrics_port, "targets": options.targets_port}
    assert options.metrics_host == "0.0.0.0"
    address = f"{service['metadata']['name']}.NAMESPACE.svc"
    arms, own = _objects("scrape-config.yaml")
    assert arms["spec"]["httpSDConfigs"][0]["url"] == f"http://{address}:{ports['targets']}{PATH}"
    assert own["spec"]["staticConfigs"][0]["targets"] == [f"{address}:{ports['metrics']}"]
    plain_arms, plain_own = _objects("prometheus.yml")[0]["scrape_configs"]
    assert plain_arms["http_sd_configs"][0]["url"] == arms["spec"]["httpSDConfigs"][0]["url"]
    assert plain_own["static_configs"][0]["targets"] == own["spec"]["staticConfigs"][0]["targets"]


@pytest.mark.parametrize("mode", MODES)
def test_sdk_models__take_the_champion_and_find_faults(mode: Mode) -> None:
    service = inference_service(mode)
    assert faults_of(service) == []
    for path, value in (("canaryTrafficPercent", "5"), ("minReplicas", True), ("no_such_field", 1)):
        wrong = copy.deepcopy(service)
        wrong["spec"]["predictor"][path] = value
        assert len(faults_of(wrong)) == 1
    nameless = copy.deepcopy(service)
    del nameless["spec"]["predictor"]["containers"][0]["name"]
    assert "name" in faults_of(nameless)[0]


def test_kustomization__has_every_file_for_the_cluster() -> None:
    listed = _objects("kustomization.yaml")[0]["resources"]
    assert sorted([*listed, "kustomization.yaml"]) == sorted(path.name for path in FOLDER.glob("*.yaml"))


@pytest.fixture(scope="module")
def applied() -> list[dict[str, Any]]:
    """What `kubectl apply -k` would send, by kubectl's own words; it asks no cluster for them."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    built = subprocess.run(["kubectl", "kustomize", FOLDER], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(built.stdout))


def test_applied__is_in_one_namespace_that_is_named_once(applied: list[dict[str, Any]]) -> None:
    (place,) = _objects("kustomization.yaml")[0]["configMapGenerator"]
    (namespace,) = [one.partition("=")[2] for one in place["literals"] if one.startswith("namespace=")]
    of_kserve = {"silencio-release-settings"}
    for one in applied:
        assert one["metadata"]["namespace"] == ("kserve" if one["metadata"]["name"] in of_kserve else namespace)
    subjects = {
        (one["metadata"]["name"], subject["name"], subject.get("namespace", one["metadata"]["namespace"]))
        for one in applied
        if one["kind"] == "RoleBinding"
        for subject in one["subjects"]
    }
    assert ("silencio-release-settings", "silencio-release", namespace) in subjects
    assert {space for *_, space in subjects} == {namespace}
    addresses = [one["spec"] for one in applied if one["kind"] == "ScrapeConfig"]
    assert addresses[0]["httpSDConfigs"][0]["url"] == f"http://silencio-release.{namespace}.svc:9109{PATH}"
    assert addresses[1]["staticConfigs"][0]["targets"] == [f"silencio-release.{namespace}.svc:9108"]


def test_applied__is_what_kubernetes_takes(applied: list[dict[str, Any]]) -> None:
    models = {
        "ConfigMap": "V1ConfigMap",
        "Deployment": "V1Deployment",
        "PersistentVolumeClaim": "V1PersistentVolumeClaim",
        "Role": "V1Role",
        "RoleBinding": "V1RoleBinding",
        "Service": "V1Service",
        "ServiceAccount": "V1ServiceAccount",
    }
    named = [(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one in applied]
    assert len(set(named)) == len(named)
    assert {kind for kind, *_ in named} == {*models, "ScrapeConfig"}
    for one in applied:
        if one["kind"] in models:
            assert faults_of(one, models[one["kind"]]) == []
    bound = {(one["metadata"]["namespace"], one["roleRef"]["name"]) for one in applied if one["kind"] == "RoleBinding"}
    assert bound == {(space, name) for kind, space, name in named if kind == "Role"}
    pod = next(one for one in applied if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    claims = {one["persistentVolumeClaim"]["claimName"] for one in pod["volumes"] if "persistentVolumeClaim" in one}
    assert claims == {name for kind, _, name in named if kind == "PersistentVolumeClaim"}


def _validator(kind: str, version: str) -> jsonschema.protocols.Validator:
    folder = os.environ.get(SCHEMAS)
    if not folder:
        pytest.skip(f"{SCHEMAS} names no folder of schemas")
    schema = json.loads((Path(folder) / f"{kind.lower()}_{version}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def _seen(put: Callable[..., Any], seen: list[Any]) -> Callable[..., Any]:
    def keep(resource: str, name: str, body: Any, *rest: Any) -> Any:
        if resource == SERVICES:
            seen.append(copy.deepcopy(body))
        return put(resource, name, body, *rest)

    return keep


def test_scrape_config__is_what_its_crd_takes(applied: list[dict[str, Any]]) -> None:
    validator = _validator("ScrapeConfig", "v1alpha1")
    found = [one for one in applied if one["kind"] == "ScrapeConfig"]
    assert len(found) == 2
    for one in found:
        validator.validate(one)


def test_inference_service__is_what_its_crd_takes_at_each_step(
    staged: Callable[[Mode], Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    validator = _validator("InferenceService", "v1beta1")
    for mode in MODES:
        stage, seen = staged(mode), list[Any]()
        monkeypatch.setattr(stage.api, "put", _seen(stage.api.put, seen))
        stage.baking()
        stage.route().roll_back(record())
        stage.settle()
        stage.retire()
        assert len(seen) > 10
        for one in seen:
            validator.validate({**one, "metadata": {"name": NAME}})
