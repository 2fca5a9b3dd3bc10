"""The pipeline `release` on this machine: its nodes show what the judge does, which runs beside it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipelines.cluster_objects import RELEASE_FILES
from pipelines.compile import COMPILED
from pipelines.local.identity import local_image, run_identity
from pipelines.local.run import run_local
from pipelines.release import release_pipeline
from serving.canary.auto import Auto
from serving.canary.places import RELEASE_FOLDER
from serving.canary.steps import canary_step, promote, roll_back, stage
from serving.canary.steps.release_place import FILES, ReleasePlace, release_place
from serving.canary.steps.watching import is_past, wait_for
from silencio.bundle.manifest import read_manifest
from silencio.errors import ConfigError, ReleaseError, ReleaseRefusedError, RouteError
from silencio.release.comparison import AnswerComparison
from silencio.release.comparison_file import comparison_facts
from silencio.release.evidence import ClassChange, Pairs
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, ReleaseRecord
from tests.serving.canary import world
from tests.serving.canary.world import NEW, OLD, Place, quick_policy

NODES = [f"canary-{share:g}-percent" for share in ReleasePolicy.shipped().steps[1:]]


class StillClock:
    """Time that passes at once, and lets the judge look while it does."""

    def __init__(self, look: Callable[[], Any] = lambda: None) -> None:
        self._look, self.n_waits = look, 0

    def now_s(self) -> float:
        return 1_800_000_000.0

    def wait(self, seconds: float) -> None:
        self.n_waits += 1
        assert self.n_waits < 10_000, "the step waits for ever"
        self._look()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state" / RELEASE_FOLDER)


def with_looks(place: Place) -> StillClock:
    """A clock in whose pauses the judge has its looks."""
    auto = Auto(place.world())

    def look() -> None:
        with place.store.lease("judge") as token:
            auto.look(token)
        place.clock.let_pass(1.0)

    return StillClock(look)


def found(place: Place) -> ReleasePlace:
    return ReleasePlace(store=place.store, route=place.route)


def comparison(tmp_path: Path) -> Path:
    """None is there: the page says so."""
    return tmp_path / "comparison.json"


def test_nodes__show_a_release_from_its_first_step_to_its_promotion(place: Place, tmp_path: Path) -> None:
    place.begin()
    clock, common = with_looks(place), {"place": "", "release_id": "r1", "comparison": comparison(tmp_path)}
    states = []
    for share in ReleasePolicy.model_validate(quick_policy().model_dump()).steps[1:]:
        page = tmp_path / f"{share:g}.html"
        inputs = canary_step.Inputs(share_percent=share, clock=clock, found=found(place), **common)
        states.append(canary_step.run(inputs, canary_step.Outputs(page=page)))
        assert "Bundle 2 instead of bundle 1" in page.read_text(encoding="utf-8")
    assert set(states[:-1]) == {"step"}
    assert states[-1] in ("baking", "promoted")
    end = promote.Inputs(clock=clock, found=found(place), **common)
    assert promote.run(end, promote.Outputs(page=tmp_path / "end.html")) == "promoted"
    assert "Promoted" in (tmp_path / "end.html").read_text(encoding="utf-8")


def test_nodes__of_a_release_that_fails_end_at_once_and_say_why(place: Place, tmp_path: Path) -> None:
    place.begin()
    place.visitors.failing[NEW] = 0.5
    clock, common = with_looks(place), {"place": "", "release_id": "r1", "comparison": comparison(tmp_path)}
    last = canary_step.Inputs(share_percent=100.0, clock=clock, found=found(place), **common)
    assert canary_step.run(last, canary_step.Outputs(page=tmp_path / "page.html")) == "rolled_back"
    shown = roll_back.Inputs(clock=clock, found=found(place), **common)
    why = roll_back.run(shown, roll_back.Outputs(page=tmp_path / "back.html"))
    assert "beyond doubt" in why or "limit" in why
    assert "errors" in (tmp_path / "back.html").read_text(encoding="utf-8")


def test_roll_back__with_visitors_left_at_the_challenger_is_an_error(place: Place, tmp_path: Path) -> None:
    record = place.begin().model_copy(update={"state": "rolled_back", "share_percent": 5.0})
    with place.store.lease("test") as token:
        place.store.save(record, fencing_token=token)
    inputs = roll_back.Inputs(
        place="", release_id="r1", comparison=comparison(tmp_path), clock=StillClock(), found=found(place)
    )
    with pytest.raises(ReleaseError, match=r"5 % of the sessions .* rollback --now"):
        roll_back.run(inputs, roll_back.Outputs(page=tmp_path / "page.html"))


def staged_inputs(place: Place, tmp_path: Path, tiny_bundle: Path, **changes: Any) -> stage.Inputs:
    """A challenger that is another bundle by its manifest's hash; the champion's folder is the real one."""
    challenger = tmp_path / "challenger"
    if not challenger.exists():
        challenger.mkdir()
        manifest = json.loads((tiny_bundle / "bundle.json").read_text(encoding="utf-8"))
        manifest |= {"version": "next", "manifest_sha256": NEW}
        (challenger / "bundle.json").write_text(json.dumps(manifest), encoding="utf-8")
    nothing = AnswerComparison(n_recordings=0, sound_s=0.0, pairs=Pairs(disagreement=np.zeros(0)))
    (tmp_path / "comparison.json").write_text(json.dumps(comparison_facts(nothing)), encoding="utf-8")
    values: dict[str, Any] = {
        "place": "",
        "champion": tiny_bundle,
        "challenger": challenger,
        "champion_uri": "",
        "challenger_uri": "s3://bundles/next",
        "comparison": tmp_path / "comparison.json",
        "policy": yaml.safe_dump(quick_policy().model_dump(mode="json")),
        "by": "ana",
        "found": found(place),
    }
    return stage.Inputs(**(values | changes))


class EndedError(Exception):
    """The test has seen enough of a step that waits."""


def begun(place: Place, inputs: stage.Inputs, page: Path) -> ReleaseRecord:
    """The record that the step writes, before any look."""

    def stop() -> None:
        raise EndedError

    with pytest.raises(EndedError):
        stage.run(stage.Inputs(**{**vars(inputs), "clock": StillClock(stop)}), stage.Outputs(page=page))
    record = place.store.load()
    assert record is not None
    return record


def test_stage__begins_a_release_and_hands_the_comparison_to_the_judge(
    place: Place, tmp_path: Path, tiny_bundle: Path
) -> None:
    record = begun(place, staged_inputs(place, tmp_path, tiny_bundle), tmp_path / "page.html")
    champion = read_manifest(tiny_bundle)
    assert record.champion == BundleIdentity(
        version=champion.version, manifest_sha256=champion.manifest_sha256, place=str(tiny_bundle)
    )
    assert (record.challenger.version, record.challenger.place) == ("next", "s3://bundles/next")
    assert (record.state, record.by) == ("staged", "ana")
    assert record.policy == quick_policy().model_dump(mode="json")
    assert (place.store.of_release(record.release_id) / "comparison.json").is_file()


def test_stage__that_is_tried_again_finds_its_release(place: Place, tmp_path: Path, tiny_bundle: Path) -> None:
    inputs = staged_inputs(place, tmp_path, tiny_bundle)
    first = begun(place, inputs, tmp_path / "page.html")
    assert begun(place, inputs, tmp_path / "page.html") == first


def test_stage__of_a_challenger_that_was_rolled_back_shows_that_and_begins_nothing(
    place: Place, tmp_path: Path, tiny_bundle: Path
) -> None:
    inputs = staged_inputs(place, tmp_path, tiny_bundle)
    first = begun(place, inputs, tmp_path / "page.html")
    with place.store.lease("test") as token:
        place.store.save(first.model_copy(update={"state": "rolled_back", "why": "errors"}), fencing_token=token)
    assert stage.run(inputs, stage.Outputs(page=tmp_path / "page.html")) == (first.release_id, "rolled_back")
    assert "Rolled back" in (tmp_path / "page.html").read_text(encoding="utf-8")


class WithoutFolders:
    """A store as a cluster's: it has no folder that a pod could write to."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if name == "of_release":
            raise AttributeError(name)
        return getattr(self._store, name)


def test_stage__hands_the_comparison_in_on_the_volume_of_the_judge(
    place: Place, tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_cluster = ReleasePlace(store=WithoutFolders(place.store), route=place.route)
    inputs = staged_inputs(place, tmp_path, tiny_bundle, found=on_cluster)
    monkeypatch.delenv(FILES, raising=False)
    with pytest.raises(ConfigError, match=FILES):
        stage.run(inputs, stage.Outputs(page=tmp_path / "page.html"))
    assert place.store.load() is None
    monkeypatch.setenv(FILES, str(tmp_path / "volume"))
    record = begun(place, inputs, tmp_path / "page.html")
    assert (tmp_path / "volume" / record.release_id / "comparison.json").is_file()


def test_stage__refuses_beside_another_release_and_a_champion_against_itself(
    place: Place, tmp_path: Path, tiny_bundle: Path
) -> None:
    inputs = staged_inputs(place, tmp_path, tiny_bundle)
    outputs = stage.Outputs(page=tmp_path / "page.html")
    with pytest.raises(ReleaseRefusedError, match="the same bundle"):
        stage.run(stage.Inputs(**{**vars(inputs), "challenger": tiny_bundle}), outputs)
    other = place.begin().model_copy(update={"challenger": BundleIdentity(version="7", manifest_sha256=OLD, place="")})
    with place.store.lease("test") as token:
        place.store.save(other, fencing_token=token)
    with pytest.raises(ReleaseRefusedError, match=r"release r1 of bundle 7 has not ended \(staged\)"):
        stage.run(inputs, outputs)


def test_stage__refuses_what_start_refuses_before_anything_is_changed(
    place: Place, tmp_path: Path, tiny_bundle: Path
) -> None:
    inputs, outputs = staged_inputs(place, tmp_path, tiny_bundle), stage.Outputs(page=tmp_path / "page.html")
    manifest = read_manifest(inputs.challenger)
    breaking = AnswerComparison(
        n_recordings=0,
        sound_s=0.0,
        pairs=Pairs(disagreement=np.zeros(0)),
        classes=ClassChange(spec_gone=True, log_mel_requests=3),
    )
    inputs.comparison.write_text(json.dumps(comparison_facts(breaking)), encoding="utf-8")
    written = inputs.challenger / "bundle.json"
    written.write_text(manifest.model_copy(update={"spec_sha256": "e" * 64}).model_dump_json(), encoding="utf-8")
    with pytest.raises(ReleaseRefusedError, match="3 requests of the last 30 days sent log_mel"):
        stage.run(inputs, outputs)
    restricted = {"licences": {"recordings": {"all rights reserved": 1}, "verdict": "ask"}}
    written.write_text(manifest.model_copy(update=restricted).model_dump_json(), encoding="utf-8")
    with pytest.raises(ReleaseRefusedError, match="all rights reserved"):
        stage.run(inputs, outputs)
    assert place.store.load() is None and place.route.challenger is None


def test_stage__a_policy_that_is_none_is_refused_before_anything(
    place: Place, tmp_path: Path, tiny_bundle: Path
) -> None:
    inputs = staged_inputs(place, tmp_path, tiny_bundle, policy="{steps: [0, 100]}")
    with pytest.raises(ConfigError):
        stage.run(inputs, stage.Outputs(page=tmp_path / "page.html"))
    assert place.store.load() is None


def test_wait__for_a_release_that_another_one_replaced_is_an_error(place: Place) -> None:
    place.begin(release_id="r2")
    with pytest.raises(ReleaseError, match=r"release r1 is not the one .* found r2"):
        wait_for(place.store, "r1", lambda one: True, StillClock())


def test_wait__an_api_that_is_away_for_a_moment_ends_no_step(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    record, answers = place.begin(), iter([RouteError("away"), RouteError("away")])

    def load() -> ReleaseRecord:
        for error in answers:
            raise error
        return record

    monkeypatch.setattr(place.store, "load", load)
    assert wait_for(place.store, "r1", lambda one: True, StillClock()) == record


@pytest.mark.parametrize(
    ("state", "held_from", "step", "share", "past"),
    [
        ("dark", None, 0, 25.0, False),
        ("step", None, 1, 25.0, False),
        ("step", None, 2, 25.0, True),
        ("held", "step", 2, 25.0, True),
        ("held", "step", 1, 25.0, False),
        ("held", "baking", 3, 100.0, True),
        ("baking", None, 3, 100.0, True),
        # A share that the policy has not is passed as soon as a larger one is there.
        ("step", None, 2, 30.0, True),
    ],
)
def test_past__is_a_larger_share_whether_held_or_not(
    place: Place, state: str, held_from: str | None, step: int, share: float, past: bool
) -> None:
    policy = quick_policy().model_copy(update={"steps": [0.0, 25.0, 50.0, 100.0]}).model_dump(mode="json")
    changes = {"state": state, "held_from": held_from, "step": step, "policy": policy}
    assert is_past(place.begin().model_copy(update=changes), share) is past


@pytest.mark.parametrize("name", ["", "kserve:", "kserve:namespace", "kserve:/name"])
def test_place__that_names_nothing_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="kserve:NAMESPACE/NAME"):
        release_place(name)


def _compiled() -> tuple[dict[str, Any], dict[str, Any]]:
    """The graph, and its settings for Kubernetes."""
    (package,) = COMPILED.glob("release-*.yaml")
    spec, platform = yaml.safe_load_all(package.read_text(encoding="utf-8"))
    return spec, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_graph__has_a_node_for_each_share_and_both_ends() -> None:
    tasks = _compiled()[0]["root"]["dag"]["tasks"]
    shares = {
        name: one["inputs"]["parameters"]["share_percent"]["runtimeValue"]["constant"]
        for name, one in tasks.items()
        if name.startswith("canary-")
    }
    assert shares == {f"canary-{share:g}-percent": share for share in ReleasePolicy.shipped().steps[1:]}
    assert set(tasks) - set(shares) == {"fetch-champion", "fetch-challenger", "replay", "stage", "promote", "roll-back"}
    before = {name: set(one.get("dependentTasks", [])) for name, one in tasks.items()}
    for name, former in pairwise(["stage", *sorted(shares, key=shares.__getitem__), "promote", "roll-back"]):
        assert name in before[former], f"{former} waits for {name}"
    assert all(not one.get("cachingOptions", {}).get("enableCache") for one in tasks.values())


def test_graph__every_node_has_a_page_for_the_ui() -> None:
    pages = {
        name
        for name, one in _compiled()[0]["components"].items()
        if any(
            output["artifactType"]["schemaTitle"] == "system.HTML"
            for output in one.get("outputDefinitions", {}).get("artifacts", {}).values()
        )
    }
    assert {"comp-replay", "comp-stage", "comp-canary-5-percent", "comp-promote", "comp-roll-back"} <= pages


def test_graph__stage_alone_writes_where_the_judge_reads() -> None:
    spec, settings = _compiled()
    mounted = {
        name: {one["mountPath"]: one["constant"] for one in own.get("pvcMount", [])} for name, own in settings.items()
    }
    with_files = {name for name, paths in mounted.items() if RELEASE_FILES.mount_path in paths}
    assert with_files == {"exec-stage"} and mounted["exec-stage"][RELEASE_FILES.mount_path] == RELEASE_FILES.name
    container = spec["deploymentSpec"]["executors"]["exec-stage"]["container"]
    assert {"name": FILES, "value": RELEASE_FILES.mount_path} in container["env"]


@pytest.mark.survival
def test_run__by_kfp_local_shows_a_release_that_is_judged_beside_it(
    tmp_path: Path, tiny_bundle: Path, tiny_source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole graph in processes of its own; the judge in this one, over the same folder."""
    # The release is of a bundle that can be fetched, and the visitors of the made-up world are counted for it.
    monkeypatch.setattr(world, "NEW", read_manifest(tiny_bundle).manifest_sha256)
    place = Place(tmp_path / "state" / RELEASE_FOLDER)
    record = place.begin(release_id="r1")
    challenger = record.challenger.model_copy(update={"manifest_sha256": world.NEW})
    with place.store.lease("test") as token:
        place.store.save(record.model_copy(update={"challenger": challenger}), fencing_token=token)
    judge = threading.Thread(target=Auto(place.world()).run, args=["judge"], daemon=True)
    judge.start()
    arguments = {
        "place": str(tmp_path / "state"),
        "recordings": str(tiny_source),
        "champion": str(tiny_bundle),
        "challenger": str(tiny_bundle),
    }
    identity_of_run = run_identity(local_image())
    run = run_local(release_pipeline(), arguments, identity_of_run, tmp_path / "out", {"comparison": "comparison"})
    judge.join()
    assert run.outputs["release_id"] == "r1"
    assert len(list((tmp_path / "out").rglob("page"))) == len([*NODES, "replay", "stage", "promote", "roll-back"])
