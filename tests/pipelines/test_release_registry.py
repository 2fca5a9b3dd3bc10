"""A newly registered challenger begins a release: by a word, or by the judge who waits for it. MLflow is real."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipelines import release_commands
from pipelines.release_commands import begin
from pipelines.release_registry import NewChallengers, with_registered
from silencio.__main__ import main
from silencio.bundle.manifest import read_manifest
from silencio.errors import ConfigError, RegistryError
from silencio.registry.connection import connect
from silencio.registry.models import promote
from silencio.registry.releases import MlflowReleases
from silencio.registry.settings import MODEL
from silencio.release.record import BundleIdentity, ReleaseRecord
from tests.pipelines.test_release_commands import CommandPlace
from tests.serving.canary import world
from tests.serving.canary.registered_bundles import register_small
from tests.serving.canary.world import OLD
from tests.unit.registry.places import fresh_database


class RegistryPlace(CommandPlace):
    """A place whose challenger is the bundle in the folder that a command names."""

    def bundles(self, options: argparse.Namespace) -> tuple[BundleIdentity, BundleIdentity]:
        manifest = read_manifest(Path(options.challenger))
        champion = BundleIdentity(version="1", manifest_sha256=OLD, place="old")
        offered = BundleIdentity(
            version=manifest.version, manifest_sha256=manifest.manifest_sha256, place=str(options.challenger)
        )
        return champion, offered


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", fresh_database(tmp_path / "tracking"))
    return connect()


@pytest.fixture
def register(client: MlflowClient, tmp_path: Path) -> Callable[[str], str]:
    """Register a bundle of this version, which becomes challenger; the hash of its manifest."""

    def made(version: str) -> str:
        return register_small(client, tmp_path / f"made-{version}", version)[1].manifest_sha256

    return made


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RegistryPlace:
    found = RegistryPlace(world.Place(tmp_path / "release"))
    monkeypatch.setattr(release_commands, "place_of", lambda options: found)
    return found


def _options(*words: str) -> argparse.Namespace:
    from pipelines.cli.release import configure

    parser = argparse.ArgumentParser()
    configure(parser)
    return parser.parse_args(["auto", "--forever", "--from-registry", "challenger", *words])


def _ended(place: RegistryPlace, record: ReleaseRecord) -> ReleaseRecord:
    with place.store.lease("test") as token:
        return place.store.save(record.model_copy(update={"state": "rolled_back"}), fencing_token=token)


def test_start__takes_the_registered_challenger(
    place: RegistryPlace, register: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["release", "start", "--from-registry", "challenger"]) == 1
    assert "no version in MLflow has the alias challenger" in capsys.readouterr().err
    sha256 = register("13")
    assert main(["release", "start", "--from-registry", "challenger"]) == 0
    record = place.store.load()
    assert record is not None and record.challenger.manifest_sha256 == sha256
    assert read_manifest(Path(record.challenger.place)).version == "13", "it lies where it can be served from"


def test_new_challenger__begins_one_release_and_the_next_version_another(
    place: RegistryPlace, register: Callable[[str], str]
) -> None:
    messages: list[str] = []
    challengers = NewChallengers(_options(), place, begin, messages.append)
    assert challengers.look(None) is None, "nothing is registered"
    first = register("13")
    record = challengers.look(None)
    assert record is not None and (record.challenger.manifest_sha256, record.by) == (first, "auto")
    ended = _ended(place, record)
    assert challengers.look(ended) is None, "MLflow has not heard of it yet"
    MlflowReleases().note(ended)
    other_judge = NewChallengers(_options(), place, begin, messages.append)
    assert other_judge.look(None) is None, "its version had a release"
    second = register("14")
    record = other_judge.look(ended)
    assert record is not None and record.challenger.manifest_sha256 == second
    assert [one.split(" begins")[0].split("of ")[1] for one in messages] == ["version 1 (13)", "version 2 (14)"]


def test_new_challenger__that_is_refused_is_reported_once(place: RegistryPlace, register: Callable[[str], str]) -> None:
    messages: list[str] = []
    register("13")
    both = _options("--labelled", str(place.store.folder / "no recordings"))
    challengers = NewChallengers(both, place, begin, messages.append)
    for _ in range(3):
        assert challengers.look(None) is None
    assert len(messages) == 1 and "version 1 (13) is not offered: " in messages[0]
    assert place.store.load() is None and place.route.challenger is None


def test_new_challenger__is_waited_for_where_mlflow_is_away(
    place: RegistryPlace, register: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    register("13")
    challengers = NewChallengers(_options(), place, begin, messages.append)

    def is_away(alias: str) -> None:
        raise RegistryError("the MLflow server does not answer")

    with monkeypatch.context() as patched:
        patched.setattr("silencio.registry.releases.registered", is_away)
        for _ in range(3):
            assert challengers.look(None) is None
    assert messages == ["the MLflow server does not answer"]
    assert challengers.look(None) is not None


class EnoughError(Exception):
    """The test has seen enough of a judge who stays."""


def test_auto__releases_what_is_registered_while_it_waits(
    place: RegistryPlace, register: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def enough() -> None:
        raise EnoughError

    sha256 = register("13")
    monkeypatch.setattr(world, "NEW", sha256)  # whom the made-up visitors are counted for
    monkeypatch.setattr(place.memory.visitors, "counts", {OLD: {}, sha256: {}})
    place.memory.clock.at(3_000, enough)
    with pytest.raises(EnoughError):
        main(["release", "auto", "--forever", "--from-registry", "challenger", "--policy", "small"])
    (record,) = place.store.earlier()
    assert (record.state, record.challenger.manifest_sha256) == ("promoted", sha256)


def test_auto__waits_for_challengers_only_where_it_stays(
    place: RegistryPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["release", "auto", "--from-registry", "challenger"]) == 1
    assert "--forever" in capsys.readouterr().err


def test_on_a_cluster__both_bundles_are_of_mlflow_and_kserve_needs_a_place_that_it_can_fetch(
    place: RegistryPlace, register: Callable[[str], str], client: MlflowClient
) -> None:
    register("12")
    promote(1, without_release="the first")
    register("13")
    with pytest.raises(ConfigError, match=r"cannot fetch version 1 from .* say --uri s3://"):
        with_registered(_options("--isvc", "production/silencio"), place)
    named = _options("--isvc", "production/silencio", "--uri", "s3://bundles/{version}/")
    found = with_registered(named, place)
    assert (found.champion_uri, found.challenger_uri) == ("s3://bundles/12/", "s3://bundles/13/")
    assert [read_manifest(Path(one)).version for one in (found.champion, found.challenger)] == ["12", "13"]
    assert client.get_model_version_by_alias(MODEL, "challenger").version in ("2", 2)
