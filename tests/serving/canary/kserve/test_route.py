"""The whole way in both modes, each method called twice, each by a process that knows nothing of the one before."""

from __future__ import annotations

import copy

import pytest

from silencio.errors import ReleaseRefusedError, RouteError
from tests.serving.canary.kserve.controllers import DEPLOYMENTS, REVISIONS
from tests.serving.canary.kserve.stage import CHALLENGER, CHAMPION, NAME, STEPS, Stage, record


def test_route__goes_the_whole_way(stage: Stage) -> None:
    stage.route().check(record())
    for _ in range(2):
        stage.route().offer(record())
    stage.settle()
    state = stage.route().state()
    assert (state.share_percent, state.champion, state.challenger) == (0.0, CHAMPION.place, CHALLENGER.manifest_sha256)
    for percent in STEPS:
        seen = stage.route().state().generation
        for _ in range(2):  # the second one as after an answer that was lost: it was taken
            stage.route().set_share(percent, expected_generation=seen)
        assert not stage.route().state().is_settled
        stage.settle()
        state = stage.route().state()
        assert (state.share_percent, state.is_settled) == (percent, True), state.detail
    for _ in range(2):
        stage.route().promote(record())
        stage.settle()
    state = stage.route().state()
    assert (state.share_percent, state.challenger, state.is_settled) == (100.0, CHALLENGER.manifest_sha256, True)
    for _ in range(2):
        stage.retire()
    state = stage.route().state()
    assert (state.share_percent, state.champion, state.challenger) == (0.0, CHALLENGER.manifest_sha256, None)
    assert state.is_settled, state.detail
    assert not stage.controllers.unserved
    assert "canaryTrafficPercent" not in stage.predictor and not stage.service["spec"].get("canary")


@pytest.mark.parametrize("percent", [0, *STEPS])
def test_route__rolls_back_at_each_step(stage: Stage, percent: int) -> None:
    before = copy.deepcopy(stage.service["spec"])
    stage.at(percent)
    for _ in range(2):
        stage.route().roll_back(record())
        stage.settle()
    state = stage.route().state()
    assert (state.share_percent, state.champion, state.is_settled) == (0.0, CHAMPION.place, True), state.detail
    for _ in range(2):
        stage.retire()
    state = stage.route().state()
    assert (state.share_percent, state.champion, state.challenger) == (0.0, CHAMPION.place, None)
    after = stage.service["spec"]
    after.pop("canary", None)
    assert after == before
    assert not stage.controllers.unserved


def test_route__rolls_back_out_of_the_bake(stage: Stage) -> None:
    stage.baking()
    stage.route().roll_back(record())
    stage.settle()
    state = stage.route().state()
    assert (state.share_percent, state.champion, state.is_settled) == (0.0, CHAMPION.place, True), state.detail
    stage.retire()
    state = stage.route().state()
    assert (state.share_percent, state.champion, state.challenger) == (0.0, CHAMPION.place, None), state.detail
    assert stage.predictor["containers"][0]["env"][0]["value"] == CHAMPION.place
    assert stage.predictor["maxReplicas"] == 4
    assert not stage.controllers.unserved


def test_route__offers_the_next_bundle_after_a_promotion(stage: Stage) -> None:
    stage.baking()
    stage.retire()
    following = record(
        release_id="release-14",
        champion=CHALLENGER,
        challenger=CHAMPION.model_copy(
            update={"version": "14", "place": "s3://bundles/14/", "manifest_sha256": "e" * 64}
        ),
    )
    stage.route().check(following)
    stage.route().offer(following)
    stage.settle()
    state = stage.route().state()
    assert (state.share_percent, state.champion, state.challenger) == (0.0, CHALLENGER.manifest_sha256, "e" * 64)
    stage.route().roll_back(following)
    stage.settle()
    assert stage.route().state().champion == CHALLENGER.manifest_sha256


def test_offer__is_one_patch_with_bundle_and_percent(stage: Stage) -> None:
    stage.route().offer(record())
    assert sum(verb == "patch" for verb, _, _ in stage.api.log) == 1
    # No turn of a controller in between could give the challenger a visitor.
    for _ in range(12):
        assert stage.route().state().share_percent == 0
        stage.controllers.step()


def test_offer__names_no_challenger_before_its_pods_are_ready(stage: Stage) -> None:
    stage.controllers.broken.add(CHALLENGER.place)
    state = stage.offered().state()
    assert (state.share_percent, state.challenger) == (0.0, None)
    stage.route().roll_back(record())
    stage.settle()
    assert stage.route().state().is_settled
    stage.retire()
    assert stage.route().state().champion == CHAMPION.place


def test_state__is_not_settled_while_the_route_lags(stage: Stage) -> None:
    route = stage.offered()
    route.set_share(25, expected_generation=route.state().generation)
    seen = []
    for _ in range(12):
        seen.append((route.state().share_percent, route.state().is_settled))
        stage.controllers.step()
    assert seen[0] == (0.0, False) and seen[-1] == (25.0, True)
    assert all(share == 25 for share, is_settled in seen if is_settled)


def test_state__does_not_believe_the_status_of_0_20(standard: Stage) -> None:
    standard.controllers.is_020 = True
    state = standard.at(5).state()
    assert standard.service["status"]["canaryStatuses"][0]["trafficPercent"] == 5
    assert (state.share_percent, state.is_settled) == (0.0, False)
    assert "0.20.0" in state.detail


def test_promote__restarts_no_pod_of_the_challenger(standard: Stage) -> None:
    standard.at(100)
    (name,) = (one for _, _, one in standard.api.objects if "13" in one and one.endswith("-predictor"))
    template = copy.deepcopy(standard.api.at(DEPLOYMENTS, name)["spec"]["template"])
    standard.route().promote(record())
    standard.settle()
    assert name not in standard.controllers.restarted
    assert standard.api.at(DEPLOYMENTS, name)["spec"]["template"] == template


def test_promote__keeps_the_champion_warm_and_its_pods_its_own(standard: Stage) -> None:
    standard.edit({"spec": {"predictor": {"name": "v12"}}})
    standard.settle()
    standard.baking()
    champion = standard.api.at(DEPLOYMENTS, f"{NAME}-v12-predictor")["spec"]["template"]
    assert champion["spec"]["place"] == CHAMPION.place
    # A canary inherits what it lacks: without a value of its own its pods would count as the challenger's.
    assert champion["metadata"]["labels"].get("silencio.io/release") != "release-13"
    (canary,) = standard.service["spec"]["canary"]
    assert canary["trafficPercent"] == 0 and canary["predictor"]["minReplicas"] == 1


def test_promote__waits_for_all_visitors(stage: Stage) -> None:
    with pytest.raises(RouteError, match="promote at 100 %"):
        stage.at(50).promote(record())


def test_retire__waits_until_one_arm_has_no_visitor(stage: Stage) -> None:
    with pytest.raises(RouteError, match=r"roll it back first|both arms may have visitors"):
        stage.at(50).retire(record())


def test_retire__writes_the_champion_back_without_a_visitor_at_the_challenger(knative: Stage) -> None:
    """Champion's spec and 100 % in one patch would send all to the latest ready revision: the one rolled back."""
    knative.at(25).roll_back(record())
    knative.settle()
    for _ in range(40):
        knative.controllers.step()
        component = knative.service["status"]["components"]["predictor"]
        for target in component["traffic"]:
            labels = knative.api.at(REVISIONS, target["revisionName"])["metadata"]["labels"]
            assert target["percent"] == 0 or labels.get("silencio.io/release") != "release-13"
        try:
            knative.route().retire(record())
        except RouteError:
            continue
    assert "canaryTrafficPercent" not in knative.predictor
    assert knative.route().state().is_settled


def test_roll_back__needs_neither_the_offer_nor_a_generation(stage: Stage) -> None:
    stage.at(25)
    for key in [key for key in stage.api.objects if key[2].endswith("-offer")]:
        del stage.api.objects[key]
    stage.edit({"metadata": {"labels": {"edited": "meanwhile"}}})
    stage.route().roll_back(record())
    stage.settle()
    percent = stage.predictor.get("canaryTrafficPercent")
    assert percent == 0 if stage.mode == "Knative" else stage.service["spec"]["canary"][0]["trafficPercent"] == 0


@pytest.mark.parametrize("percent", [25, 100, None])
def test_roll_back__needs_no_record(percent: int | None, stage: Stage) -> None:
    """`rollback --now` where the record is gone: the offer says which arm is the challenger, in the bake too."""
    stage.at(percent) if percent else stage.baking()
    stage.route().roll_back(record(release_id="unknown"))
    stage.settle()
    state = stage.route().state()
    assert (state.share_percent, state.champion, state.is_settled) == (0.0, CHAMPION.place, True), state.detail


def test_set_share__takes_whole_percentages(stage: Stage) -> None:
    route = stage.offered()
    for percent in (2.5, -1, 101):
        with pytest.raises(ReleaseRefusedError, match="whole percentages"):
            route.set_share(percent, expected_generation=route.state().generation)


def test_set_share__wants_an_offer(stage: Stage) -> None:
    with pytest.raises(RouteError, match="start a release"):
        stage.route().set_share(5, expected_generation=stage.route().state().generation)


def test_health__tells_the_arms_by_their_labels(stage: Stage) -> None:
    for key, pod in stage.api.objects.items():
        if key[0] == "pods":
            pod["status"]["containerStatuses"][0]["restartCount"] = 3  # before the release: nobody's fault
    route = stage.offered()
    assert {arm: found.restarts for arm, found in route.health().items()} == {"champion": 0, "challenger": 0}
    for key, pod in stage.api.objects.items():
        if key[0] == "pods" and pod["metadata"]["labels"].get("silencio.io/release") == "release-13":
            pod["status"]["containerStatuses"][0]["restartCount"] = 2
    found = route.health()
    assert (found["champion"].restarts, found["challenger"].restarts) == (0, 2)
    assert found["champion"].ready_s == found["challenger"].ready_s == 600.0


def test_health__is_not_ready_without_pods(stage: Stage) -> None:
    assert stage.route().health()["challenger"].ready_s is None
