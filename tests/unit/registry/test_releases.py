"""What MLflow keeps of a release: tags and pages on the challenger's version, the alias after the bake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from silencio.__main__ import main
from silencio.bundle.load import Bundle
from silencio.errors import RegistryError
from silencio.registry.models import BY_RELEASE, WITHOUT_RELEASE, promote, register_version
from silencio.registry.record import BUNDLE
from silencio.registry.releases import MlflowReleases
from silencio.registry.runs import open_run
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, ReleaseRecord, State


@pytest.fixture
def versions(client: MlflowClient, bundle: Path) -> list[str]:
    """Two versions of different bundles: the manifests' hashes."""
    manifest, hashes = Bundle(bundle).manifest, []
    for version in ("b1", "b2"):
        run_id = open_run("train", "abc", "local", "")
        client.log_artifacts(run_id, str(bundle), BUNDLE)
        made = manifest.model_copy(update={"version": version}).sealed()
        register_version(client, run_id, made)
        hashes.append(made.manifest_sha256)
    return hashes


def _record(versions: list[str], state: State, rule: str | None = None) -> ReleaseRecord:
    champion, challenger = (
        BundleIdentity(version=f"b{number}", manifest_sha256=sha256, place=f"/bundles/b{number}")
        for number, sha256 in enumerate(versions, start=1)
    )
    return ReleaseRecord(
        release_id="r7",
        champion=champion,
        challenger=challenger,
        policy=ReleasePolicy.shipped().model_dump(mode="json"),
        began_at="2026-11-30T07:00:00+00:00",
        state=state,
        rule=rule,
        why="because",
    )


def _aliases(client: MlflowClient) -> dict[str, int]:
    return {alias: int(number) for alias, number in client.get_registered_model("silencio").aliases.items()}


def test_note__tags_the_challengers_version_and_keeps_the_page_in_its_run(
    client: MlflowClient, versions: list[str], tmp_path: Path
) -> None:
    MlflowReleases(lambda record: f"<p>{record.state}</p>").note(_record(versions, "rolled_back", "errors"))
    version = client.get_model_version("silencio", "2")
    found = {name: version.tags.get(name) for name in ("release/id", "release/state", "release/rule")}
    assert found == {"release/id": "r7", "release/state": "rolled_back", "release/rule": "errors"}
    assert "release/id" not in client.get_model_version("silencio", "1").tags
    kept = Path(client.download_artifacts(version.run_id, "release/r7", str(tmp_path)))
    assert (kept / "report.html").read_text() == "<p>rolled_back</p>"
    verdict = json.loads((kept / "verdict.json").read_text())
    assert (verdict["state"], verdict["rule"], verdict["why"]) == ("rolled_back", "errors", "because")


def test_note__a_rollback_moves_no_alias(client: MlflowClient, versions: list[str]) -> None:
    promote(1, without_release="the first one")
    MlflowReleases().note(_record(versions, "rolled_back", "errors"))
    assert _aliases(client)["champion"] == 1


def test_note__of_a_bundle_that_was_never_registered_is_none(client: MlflowClient, versions: list[str]) -> None:
    record = _record([versions[0], "f" * 64], "promoted")
    MlflowReleases().note(record)
    with pytest.raises(RegistryError, match="register it"):
        MlflowReleases().move_champion(record)


def test_move_champion__moves_the_alias_says_by_which_release_and_may_be_repeated(
    client: MlflowClient, versions: list[str]
) -> None:
    promote(1, without_release="the first one")
    for _ in range(2):
        MlflowReleases().move_champion(_record(versions, "promoted"))
    assert _aliases(client) == {"champion": 2, "previous": 1}
    tags = client.get_model_version("silencio", "2").tags
    assert tags[BY_RELEASE] == "r7" and WITHOUT_RELEASE not in tags


def test_promote__by_hand_wants_a_reason_and_keeps_it(
    client: MlflowClient, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RegistryError, match="needs a reason"):
        promote(1, without_release="  ")
    assert "champion" not in _aliases(client)
    with pytest.raises(SystemExit):
        main(["registry", "promote", "1"])
    assert "--without-release" in capsys.readouterr().err
    assert main(["registry", "promote", "1", "--without-release", "no champion serves yet"]) == 0
    assert client.get_model_version("silencio", "1").tags[WITHOUT_RELEASE] == "no champion serves yet"
