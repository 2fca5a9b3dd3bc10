"""Every refusal: one sentence with value and cure, and nothing was written."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from silencio.errors import ReleaseRefusedError, RouteError
from silencio.release.record import ReleaseRecord
from tests.serving.canary.kserve.api_server import RefusedError
from tests.serving.canary.kserve.controllers import DEPLOYMENTS, ROUTES, SERVICES
from tests.serving.canary.kserve.stage import CHALLENGER, CHAMPION, MODES, NAME, Mode, Stage, kserve_settings, record

MODE = "serving.kserve.io/deploymentMode"


@dataclass
class Case:
    """Why a release may not begin.

    Attributes:
        id: Of the test.
        message: What the sentence has to hold: value and cure.
        modes: In which it is so.
        spec: Merged into the InferenceService's spec.
        change: Done to the cluster, after its controllers have settled.
        record: Of the release.
        options: Of the route.
    """

    id: str
    message: str
    modes: tuple[Mode, ...] = MODES
    spec: dict[str, Any] = field(default_factory=dict)
    change: Callable[[Stage], object] = lambda stage: None
    record: ReleaseRecord = field(default_factory=record)
    options: dict[str, Any] = field(default_factory=dict)


def _without_routes(stage: Stage) -> None:
    for key in [key for key in stage.api.objects if key[0] == ROUTES]:
        del stage.api.objects[key]


def _with_mode(name: str | None) -> Callable[[Stage], object]:
    def change(stage: Stage) -> None:
        service = stage.api.at(SERVICES, NAME)
        service["status"].pop("deploymentMode", None)
        if name is None:
            del service["metadata"]["annotations"][MODE]
        else:
            service["metadata"]["annotations"][MODE] = name

    return change


def _settings(stage: Stage, **settings: Any) -> None:
    stage.api.put("configmaps", "inferenceservice-config", kserve_settings(**settings), "kserve")


def _without_settings(stage: Stage) -> None:
    del stage.api.objects["configmaps", "kserve", "inferenceservice-config"]


def _not_rolled_out(stage: Stage) -> None:
    status = stage.api.at(SERVICES, NAME)["status"]
    status["components"]["predictor"].pop("latestRolledoutRevision", None)
    status["conditions"] = [{"type": "PredictorReady", "status": "Unknown"}]


def _on_more_pods(stage: Stage) -> None:
    stage.api.at(DEPLOYMENTS, f"{NAME}-predictor")["spec"]["replicas"] = 3


def _first(name: str) -> list[dict[str, Any]]:
    """Both containers, this one first."""
    env = {"env": [{"name": "STORAGE_URI", "value": CHAMPION.place}]}
    both = [{"name": "kserve-container", "image": "a", **env}, {"name": "transformer-container", "image": "b"}]
    return sorted(both, key=lambda one: one["name"] != name)


def _canary(percent: int) -> dict[str, Any]:
    predictor = {"name": "theirs", "minReplicas": 1, "containers": _first("kserve-container")}
    return {"trafficPercent": percent, "predictor": predictor}


KNATIVE: tuple[Mode, ...] = ("Knative",)
STANDARD: tuple[Mode, ...] = ("Standard",)
_STORED = {"storageUri": CHAMPION.place, "modelFormat": {"name": "silencio-bundle"}}
CASES = [
    Case("mode unknown", r"is not known: .*set the annotation", change=_with_mode(None)),
    Case("mode ModelMesh", r"is ModelMesh: only Knative and Standard", change=_with_mode("ModelMesh")),
    Case("half a percent", r"a step 2\.5: round it", record=record(policy={"steps": [0, 2.5, 100]})),
    Case("a negative step", r"a step -5: round it", record=record(policy={"steps": [-5, 100]})),
    Case("a step as text", r"a step 5 %: round it", record=record(policy={"steps": ["5 %"]})),
    Case("the champion itself", r"manifest cccccccccccc\).*--aa", record=record(challenger=CHAMPION)),
    Case(
        "a folder",
        r"bundles/13 is a folder.*upload it",
        record=record(challenger=CHALLENGER.model_copy(update={"place": "bundles/13"})),
    ),
    Case(
        "a prefix without slash",
        r"s3://bundles/13 does not end in /.*add the slash",
        record=record(challenger=CHALLENGER.model_copy(update={"place": "s3://bundles/13"})),
    ),
    Case(
        "no place for a bundle",
        r"neither model\.storageUri nor STORAGE_URI.*add one",
        spec={"predictor": {"containers": [{"name": "kserve-container", "image": "a"}]}},
    ),
    Case("a transformer apart", r"spec\.transformer.*transformer-container", spec={"transformer": {"minReplicas": 1}}),
    Case(
        "another container first",
        r"the first container of silencio is transformer-container.*put kserve-container first",
        spec={"predictor": {"containers": _first("transformer-container")}},
    ),
    Case(
        "another champion",
        r"serves s3://bundles/12/, and the champion of this release is 11",
        record=record(champion=CHAMPION.model_copy(update={"version": "11", "place": "s3://bundles/11/"})),
    ),
    Case("no pod at rest", r"minReplicas of silencio is 0.*set 1 or more", spec={"predictor": {"minReplicas": 0}}),
    Case("more pods than a canary has", r"has 3 pods now.*minReplicas to 3", STANDARD, change=_on_more_pods),
    Case("no champion rolled out", r"no rolled-out revision.*wait", KNATIVE, change=_not_rolled_out),
    Case("no champion ready", r"PredictorReady is not True.*wait", STANDARD, change=_not_rolled_out),
    Case(
        "another rollout under way",
        r"canaryTrafficPercent: 20.*end it",
        KNATIVE,
        spec={"predictor": {"canaryTrafficPercent": 20, "containers": _first("kserve-container")}},
    ),
    Case(
        "another canary", r"not ours \(theirs, 20 %\): promote it or take it away", STANDARD, {"canary": [_canary(20)]}
    ),
    Case("an idle canary", r"not ours \(theirs, 0 %\): promote it or take it away", STANDARD, {"canary": [_canary(0)]}),
    Case(
        "KServe 0.20.0",
        r"KServe 0\.20\.0 takes.*routes nothing.*update",
        STANDARD,
        change=lambda s: _settings(s, version="0.20.0"),
    ),
    Case(
        "KServe 0.16.0",
        r"KServe 0\.16\.0 takes.*routes nothing.*update",
        STANDARD,
        change=lambda s: _settings(s, version="0.16.0"),
    ),
    Case("KServe said to be 0.20.0", r"KServe 0\.20\.0 takes", STANDARD, options={"kserve_version": "0.20.0"}),
    Case(
        "KServe of no version",
        r"'latest' is none: say --kserve-version",
        STANDARD,
        options={"kserve_version": "latest"},
    ),
    Case("KServe unknown", r"could not be read.*say --kserve-version", STANDARD, change=_without_settings),
    Case(
        "an Ingress",
        r"does not use the Gateway API.*enableGatewayApi",
        STANDARD,
        change=lambda s: _settings(s, gateway_api=False),
    ),
    Case("no HTTPRoute", r"no HTTPRoute silencio.*enable the Gateway API", STANDARD, change=_without_routes),
    Case(
        "what a webhook has against it",
        r"names must be unique.*mend the InferenceService",
        STANDARD,
        change=lambda stage: setattr(stage.api, "webhook", _denies),
    ),
]


def _denies(service: dict[str, Any]) -> None:
    raise RefusedError(403, 'admission webhook "inferenceservice" denied the request: names must be unique')


@pytest.mark.parametrize(
    ("case", "mode"),
    [pytest.param(case, mode, id=f"{case.id} in {mode}") for case in CASES for mode in case.modes],
)
def test_check__refuses(case: Case, mode: Mode, staged: Callable[[Mode], Stage]) -> None:
    stage = staged(mode)
    stage.edit({"spec": case.spec})
    stage.settle()
    case.change(stage)
    before = copy.deepcopy(stage.api.objects)
    with pytest.raises(ReleaseRefusedError, match=case.message) as refused:
        stage.route(**case.options).check(case.record)
    assert stage.api.objects == before
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("id", "change"),
    [
        ("a model of a ServingRuntime", {"predictor": {"containers": None, "model": _STORED}}),
        ("a runtime's model with a sidecar first", {"predictor": {"containers": [{"name": "log"}], "model": _STORED}}),
        ("a named predictor", {"predictor": {"name": "v12"}}),
        ("an explainer beside it", {"explainer": {"minReplicas": 1}}),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_check__lets_through_what_others_have(id: str, change: dict[str, Any], stage: Stage) -> None:
    stage.edit({"spec": change})
    stage.settle()
    before = copy.deepcopy(stage.api.objects)
    stage.route().check(record())
    assert stage.api.objects == before


@pytest.mark.parametrize("name", ["Serverless", "RawDeployment"])
def test_check__knows_the_older_names_of_the_modes(name: str, staged: Callable[[Mode], Stage]) -> None:
    stage = staged("Knative" if name == "Serverless" else "Standard")
    stage.api.at(SERVICES, NAME)["status"]["deploymentMode"] = name
    stage.route().check(record())


def test_check__believes_the_status_before_the_annotation(standard: Stage) -> None:
    standard.api.at(SERVICES, NAME)["metadata"]["annotations"][MODE] = "Knative"
    standard.api.at(SERVICES, NAME)["spec"]["canary"] = [_canary(20)]
    with pytest.raises(ReleaseRefusedError, match="a canary that is not ours"):
        standard.route().check(record())


def test_check__may_be_asked_again_once_offered(stage: Stage) -> None:
    stage.offered().check(record())


def test_check__needs_the_settings_in_standard_mode_only(knative: Stage) -> None:
    _without_settings(knative)
    knative.route().check(record())


def test_check__takes_the_version_that_it_is_told(standard: Stage) -> None:
    _without_settings(standard)
    standard.route(kserve_version="0.21.0").check(record())


def test_check__names_a_service_that_is_not_there(stage: Stage) -> None:
    del stage.api.objects[SERVICES, "production", NAME]
    with pytest.raises(RouteError, match="no InferenceService silencio in namespace production: name the one"):
        stage.route().check(record())
