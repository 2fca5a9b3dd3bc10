"""Each fault at each action: a clear end, nothing half done, and the next call goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from serving.canary.kserve import KServeRoute
from silencio.errors import RouteChangedError, RouteError
from tests.serving.canary.kserve.api_server import serving
from tests.serving.canary.kserve.controllers import REVISIONS, ROUTES, SERVICES
from tests.serving.canary.kserve.stage import CHAMPION, NAME, NOW, Stage, record
from tests.waiting import HANG_S, until

Act = Callable[[Stage], None]


def _offer(stage: Stage) -> None:
    stage.route().offer(record())


def _share(stage: Stage) -> None:
    route = stage.route()
    route.set_share(10, expected_generation=stage.seen)


def _promote(stage: Stage) -> None:
    stage.route().promote(record())


def _roll_back(stage: Stage) -> None:
    stage.route().roll_back(record())


def _retire(stage: Stage) -> None:
    stage.route().retire(record())


# What is there before, what is done, and the challenger's share after it.
ACTIONS: dict[str, tuple[Act, Act, float]] = {
    "offer": (lambda stage: None, _offer, 0.0),
    "share": (lambda stage: stage.at(5), _share, 10.0),
    "roll back": (lambda stage: stage.at(25), _roll_back, 0.0),
    "roll back out of the bake": (lambda stage: stage.baking(), _roll_back, 0.0),
    "retire": (lambda stage: stage.baking(), _retire, 0.0),
}
FAULTS: dict[str, tuple[int | str, str]] = {
    "403": (403, r"may not patch inferenceservices\.serving\.kserve\.io in namespace production: apply manifests"),
    "401": (401, "renew the kubeconfig's token"),
    "429": (429, "answers 429 to patch .*: try again later"),
    "500": (500, "answers 500 to patch .*: try again later"),
    "503": (503, "answers 503 to patch .*: try again later"),
    "422": (422, "the cluster refuses the InferenceService silencio as it would be"),
    "cut before": ("cut before", "connection .* was lost at patch .*: whether it was taken is not known"),
    "cut after": ("cut after", "connection .* was lost at patch .*: whether it was taken is not known"),
    "hang": ("hang", "connection .* was lost at patch .*: whether it was taken is not known"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("action", ACTIONS)
def test_action__ends_clearly_and_can_be_done_again(action: str, fault: str, stage: Stage) -> None:
    before, act, share = ACTIONS[action]
    before(stage)
    stage.seen = stage.route().state().generation
    kind, message = FAULTS[fault]
    stage.api.fail("patch", SERVICES, kind)
    stage.patch_timeout_s = 0.2 if fault == "hang" else HANG_S
    with pytest.raises(RouteError, match=message):
        act(stage)
    until(lambda: stage.api.faults[-1].times == 0)
    stage.api.released.set()
    stage.patch_timeout_s = HANG_S
    act(stage)
    stage.settle()
    state = stage.route().state()
    assert (state.share_percent, state.is_settled) == (share, True), state.detail


@pytest.mark.parametrize("action", ACTIONS)
def test_action__goes_on_where_only_controllers_wrote_meanwhile(action: str, stage: Stage) -> None:
    before, act, share = ACTIONS[action]
    before(stage)
    stage.seen = stage.route().state().generation

    def writes_a_status() -> None:
        service = stage.service
        service["status"]["url"] = "http://silencio.example.org"
        stage.api.put(SERVICES, NAME, service)

    stage.api.before_write = writes_a_status
    act(stage)
    stage.settle()
    assert stage.route().state().share_percent == share


def test_set_share__ends_where_the_object_is_written_all_the_time(stage: Stage) -> None:
    stage.at(5)
    seen = stage.route().state().generation
    stage.api.fail("patch", SERVICES, 409, times=100)
    with pytest.raises(RouteChangedError, match="20 times between reading and patching"):
        stage.route().set_share(10, expected_generation=seen)


EDITS = {
    "a spec": {"spec": {"predictor": {"minReplicas": 2}}},
    "an image": {"spec": {"predictor": {"containers": [{"name": "kserve-container", "image": "other"}]}}},
    "a label": {"metadata": {"labels": {"cost-centre": "7"}}},
    "an annotation": {"metadata": {"annotations": {"note": "x"}}},
}


@pytest.mark.parametrize("edit", EDITS)
def test_set_share__notices_that_somebody_edited(edit: str, stage: Stage) -> None:
    stage.at(5)
    seen = stage.route().state().generation
    stage.edit(EDITS[edit])
    with pytest.raises(RouteChangedError, match="was edited since the last look"):
        stage.route().set_share(10, expected_generation=seen)
    assert stage.route().state().share_percent == 5


def test_set_share__notices_an_edit_between_reading_and_writing(stage: Stage) -> None:
    stage.at(5)
    seen = stage.route().state().generation
    stage.api.before_write = lambda: stage.edit(EDITS["a label"])
    with pytest.raises(RouteChangedError, match="was edited since the last look"):
        stage.route().set_share(10, expected_generation=seen)


@pytest.mark.parametrize("edit", ["an image", "a label", "an annotation"])
def test_state__says_that_the_pods_are_somebody_elses(edit: str, stage: Stage) -> None:
    """Whoever judges holds: what serves is neither champion nor challenger of the release."""
    stage.at(25)
    stage.edit(EDITS[edit])
    stage.settle()
    state = stage.route().state()
    assert "somebody else" in f"{state.champion} {state.challenger}"


def test_state__notices_a_revision_that_no_edit_of_the_service_made(knative: Stage) -> None:
    """An edit of the ServingRuntime, or another version of KServe, makes one as well."""
    knative.at(25)
    seen = knative.route().state().generation
    ksvc = knative.api.at("services.serving.knative.dev", NAME)
    name = f"{NAME}-predictor-00003"
    second = knative.api.at(REVISIONS, f"{NAME}-predictor-00002")
    labels = {**second["metadata"]["labels"], "serving.knative.dev/configurationGeneration": "3"}
    knative.api.put(REVISIONS, name, {**second, "metadata": {**second["metadata"], "labels": labels}})
    ksvc["status"]["latestCreatedRevisionName"] = ksvc["status"]["latestReadyRevisionName"] = name
    knative.settle()
    state = knative.route().state()
    assert state.challenger is not None and "somebody else" in state.challenger
    with pytest.raises(RouteChangedError):
        knative.route().set_share(50, expected_generation=seen)


def test_state__is_not_settled_where_no_gateway_took_the_route(standard: Stage) -> None:
    standard.at(25)
    standard.api.at(ROUTES, NAME)["status"]["parents"][0]["conditions"][0]["status"] = "False"
    state = standard.route().state()
    assert not state.is_settled and "Accepted of HTTPRoute silencio is False" in state.detail


def test_state__is_not_settled_where_the_gateway_lags(standard: Stage) -> None:
    route = standard.offered()
    route.set_share(25, expected_generation=route.state().generation)
    standard.controllers.step()  # KServe has written the weights, the gateway has not looked
    state = standard.route().state()
    assert not state.is_settled and "has not seen the last change" in state.detail


def test_state__is_not_settled_where_two_routes_disagree(standard: Stage) -> None:
    standard.at(25)
    standard.api.at(ROUTES, f"{NAME}-predictor")["spec"]["rules"][0]["backendRefs"][1]["weight"] = 50
    state = standard.route().state()
    assert not state.is_settled and "disagree" in state.detail


def test_state__is_not_settled_where_the_challenger_fell_out_of_the_route(standard: Stage) -> None:
    """KServe leaves a canary that is not ready out, and the champion takes its share."""
    standard.at(25)
    standard.controllers.broken.add("s3://bundles/13/")
    standard.settle()
    state = standard.route().state()
    assert (state.share_percent, state.is_settled) == (0.0, False)


@pytest.mark.parametrize("resource", [SERVICES, "configmaps"])
def test_state__cannot_be_read(resource: str, stage: Stage) -> None:
    stage.api.fail("get", resource, 503)
    with pytest.raises(RouteError, match="answers 503 to get"):
        stage.route().state()
    assert stage.route().state().champion == CHAMPION.place


def test_route__outlives_the_api_servers_restart(stage: Stage) -> None:
    """One client through it all: its connections are gone, and it makes new ones."""
    stage.at(5)
    with ExitStack() as stack:
        stage.url = stack.enter_context(serving(stage.api))
        route = KServeRoute(stage.cluster(), NAME, now=lambda: NOW)
        seen = route.state().generation
        port = urlsplit(stage.url).port
        stack.close()
        with pytest.raises(RouteError, match=r"lost at get"):
            route.state()
        stack.enter_context(serving(stage.api, port or 0))
        route.set_share(10, expected_generation=seen)
        stage.settle()
        assert route.state().share_percent == 10
