"""The shipped manifests: arguments that the commands take, ports that fit, objects that the CRDs take."""

from __future__ import annotations

import argparse
import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pipelines.cli.release import configure
from serving.canary.kserve.targets import PATH
from tests.serving.canary.kserve.controllers import SERVICES
from tests.serving.canary.kserve.sdk_models import faults_of
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
    assert options.isvc == "NAMESPACE/silencio"


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
    address = f"{service['metadata']['name']}.NAMESPACE"
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


def test_scrape_config__is_what_its_crd_takes() -> None:
    validator = _validator("ScrapeConfig", "v1alpha1")
    for one in _objects("scrape-config.yaml"):
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
