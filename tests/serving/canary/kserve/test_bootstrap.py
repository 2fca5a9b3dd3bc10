"""The bundle that an InferenceService begins with: set once, and never over a release's. MLflow is real."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipelines.release_bootstrap import set_bundle
from serving.canary.kserve.predictors import MANIFEST_ANNOTATION, VERSION_LABEL
from silencio.__main__ import main
from silencio.errors import ConfigError, RegistryError, RouteChangedError, RouteError
from silencio.registry.connection import connect
from silencio.registry.models import promote
from silencio.release.record import BundleIdentity
from tests.delivery.overlays import MANIFESTS
from tests.serving.canary.kserve.api_server import NAMESPACE
from tests.serving.canary.kserve.command_line import kubeconfig
from tests.serving.canary.kserve.controllers import SERVICES
from tests.serving.canary.kserve.stage import MODES, NAME, Mode, Stage, record, shipped, verbs_of_role
from tests.serving.canary.registered_bundles import register_small
from tests.unit.registry.places import fresh_database

ROLE = MANIFESTS / "components" / "bootstrap" / "role.yaml"
PATTERN = "s3://silencio-bundles/{version}/"
DEMO = "s3://silencio-bundles/initial/"


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", fresh_database(tmp_path / "tracking"))
    return connect()


@pytest.fixture
def promoted(client: MlflowClient, tmp_path: Path) -> Callable[[str], str]:
    """Register a bundle of this version and make it the champion; the hash of its manifest."""

    def made(version: str) -> str:
        number, manifest = register_small(client, tmp_path / f"made-{version}", version)
        promote(number, without_release="the first")
        return manifest.manifest_sha256

    return made


@pytest.fixture
def applied(staged: Callable[[Mode], Stage]) -> Callable[[Mode], Stage]:
    """A cluster to which an overlay was applied a moment ago, seen with the Job's rights."""

    def made(mode: Mode) -> Stage:
        stage = staged(mode)
        shipped(stage)
        stage.api.role = verbs_of_role(ROLE)
        return stage

    return made


@pytest.fixture(params=MODES)
def fresh(request: pytest.FixtureRequest, applied: Callable[[Mode], Stage]) -> Stage:
    return applied(request.param)


@pytest.fixture
def standard(applied: Callable[[Mode], Stage]) -> Stage:
    """For what is the same in every mode."""
    return applied("Standard")


def _place(stage: Stage) -> str:
    return str(stage.predictor["model"]["storageUri"])


def test_bootstrap__sets_the_champion_once(fresh: Stage, promoted: Callable[[str], str]) -> None:
    assert _place(fresh) == DEMO
    sha256 = promoted("12")
    assert "it serves the champion, version 1 (12), in place of" in set_bundle(fresh.cluster(), NAME, PATTERN)
    assert _place(fresh) == "s3://silencio-bundles/12/"
    assert fresh.predictor["annotations"][MANIFEST_ANNOTATION] == sha256
    assert fresh.predictor["labels"][VERSION_LABEL] == "12"
    generation = fresh.service["metadata"]["generation"]
    promoted("13")
    assert "has been set before" in set_bundle(fresh.cluster(), NAME, PATTERN)
    assert fresh.service["metadata"]["generation"] == generation, "nothing is written twice"


def test_bootstrap__keeps_the_bundle_of_git_where_there_is_no_champion(standard: Stage, client: MlflowClient) -> None:
    sentence = set_bundle(standard.cluster(), NAME, PATTERN)
    assert "no version in MLflow has the alias champion" in sentence and DEMO in sentence
    assert _place(standard) == DEMO and MANIFEST_ANNOTATION not in standard.predictor.get("annotations", {})


def test_bootstrap__asks_no_mlflow_where_none_is_named(
    standard: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    set_bundle(standard.cluster(), NAME, PATTERN)
    assert _place(standard) == DEMO and not (tmp_path / "mlflow.db").exists()


def test_bootstrap__leaves_a_release_alone_at_each_moment(fresh: Stage, promoted: Callable[[str], str]) -> None:
    promoted("12")
    steps: tuple[Callable[[], object], ...] = (fresh.offered, fresh.baking, fresh.retire)
    for step in steps:
        fresh.api.role = verbs_of_role()
        step()
        fresh.api.role = verbs_of_role(ROLE)
        before = fresh.service["spec"]
        set_bundle(fresh.cluster(), NAME, PATTERN)
        assert fresh.service["spec"] == before


def test_bootstrap__leaves_what_a_rolled_back_release_has_left(fresh: Stage, promoted: Callable[[str], str]) -> None:
    promoted("12")
    fresh.api.role = verbs_of_role()
    store = fresh.store()
    with store.lease("judge") as token:
        store.save(record(), fencing_token=token)
    fresh.offered().roll_back(record())
    fresh.settle()
    fresh.retire()
    fresh.api.role = verbs_of_role(ROLE)
    assert "it has had a release" in set_bundle(fresh.cluster(), NAME, PATTERN)
    assert _place(fresh) == DEMO


def test_bootstrap__writes_nothing_over_what_was_written_meanwhile(
    standard: Stage, promoted: Callable[[str], str]
) -> None:
    promoted("12")
    theirs = {"spec": {"predictor": {"model": {"storageUri": "s3://bundles/theirs/"}}}}
    standard.api.before_write = lambda: standard.edit(theirs)
    with pytest.raises(RouteChangedError):
        set_bundle(standard.cluster(), NAME, PATTERN)
    assert _place(standard) == "s3://bundles/theirs/"


def test_bootstrap__leaves_a_champion_that_the_next_release_knows(fresh: Stage, promoted: Callable[[str], str]) -> None:
    sha256 = promoted("12")
    set_bundle(fresh.cluster(), NAME, PATTERN)
    fresh.settle()
    fresh.api.role = verbs_of_role()
    champion = BundleIdentity(version="12", manifest_sha256=sha256, place=_place(fresh))
    fresh.route().check(record(champion=champion))


def test_bootstrap__asks_for_what_its_role_allows_and_nothing_else(
    fresh: Stage, promoted: Callable[[str], str]
) -> None:
    promoted("12")
    fresh.api.log.clear()
    set_bundle(fresh.cluster(), NAME, PATTERN)
    assert {(verb, resource) for verb, resource, _ in fresh.api.log} == verbs_of_role(ROLE)


def test_bootstrap__of_what_kserve_cannot_fetch_is_refused(standard: Stage, promoted: Callable[[str], str]) -> None:
    promoted("12")
    with pytest.raises(ConfigError, match="KServe cannot fetch version 1"):
        set_bundle(standard.cluster(), NAME, "")
    assert _place(standard) == DEMO


def test_bootstrap__waits_for_an_mlflow_that_does_not_answer(standard: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_away(alias: str) -> None:
        raise RegistryError("the MLflow server does not answer")

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.silencio-platform.svc:5000")
    monkeypatch.setattr("pipelines.release_bootstrap.registered", is_away)
    with pytest.raises(RegistryError):
        set_bundle(standard.cluster(), NAME, PATTERN)
    assert _place(standard) == DEMO


def test_bootstrap__of_a_service_that_is_not_there_yet_is_tried_again(standard: Stage, client: MlflowClient) -> None:
    del standard.api.objects[SERVICES, NAMESPACE, NAME]
    with pytest.raises(RouteError, match=f"there is no InferenceService {NAME}"):
        set_bundle(standard.cluster(), NAME, PATTERN)


def test_command__sets_the_bundle(
    standard: Stage, promoted: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    promoted("12")
    command = ["release", "bootstrap", "--uri", PATTERN, "--isvc"]
    assert main([*command, NAME]) == 1 and "give NAMESPACE/NAME" in capsys.readouterr().err
    # A process of its own: the client reads KUBECONFIG when it is imported.
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig(standard.url, tmp_path / "kubeconfig"))}
    words = [sys.executable, "-m", "silencio", *command, f"{NAMESPACE}/{NAME}"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{NAMESPACE}/{NAME}: it serves the champion, version 1 (12)" in done.stdout
    assert _place(standard) == "s3://silencio-bundles/12/"
