"""What Argo CD is given: paths that render, health that its waves wait for, a repository that is named once."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.__main__ import main
from delivery.argocd import path_of, repository_path, wave_of, with_sources
from delivery.checks import findings_of
from delivery.checks.quantities import canonical
from delivery.render import Object, has_kubectl, render
from delivery.rendered import name_of
from silencio.errors import ConfigError
from tests.delivery.overlays import ARGOCD, PINNED_OVERLAYS, ROOT, delivered, golden_objects, write_overlays

needs_kubectl = pytest.mark.skipif(not has_kubectl(), reason="kubectl is not installed")


def _health(kind: str) -> str:
    (settings,) = (one for one in golden_objects("argocd") if one["kind"] == "ConfigMap")
    return str(settings["data"][f"resource.customizations.health.{kind}"])


def test_delivered__has_nothing_against_it() -> None:
    assert [str(one) for one in findings_of(delivered())] == []


def test_applications__are_of_folders_that_the_repository_has() -> None:
    paths = [path_of(one) for one in delivered().of_kind("Application") if path_of(one)]
    assert {repository_path(ROOT, path).name for path in paths} == {
        *PINNED_OVERLAYS,
        "monitoring",
        "queues",
        "applications",
    }


@pytest.mark.parametrize("path", ["manifests/overlays/nowhere", "../elsewhere", "manifests"])
def test_application__of_another_folder_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match="names the path"):
        repository_path(ROOT, path)


def test_waves__are_stores_before_environments() -> None:
    waves = {name_of(one): wave_of(one) for one in golden_objects("applications")}
    names = ("kueue", "silencio-platform", "silencio-monitoring", "silencio-queues")
    # Queues want a namespace of KFP's: nobody waits for them.
    assert [waves[name] for name in names] == [1, 2, 3, 5]
    assert waves["silencio-staging"] == waves["silencio-production"] == 5


@needs_kubectl
def test_repository__is_named_once(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "manifests" / "argocd", tmp_path / "argocd")
    source = tmp_path / "argocd" / "source" / "kustomization.yaml"
    text = source.read_text(encoding="utf-8")
    url = "https://git.example.org/wildlife/silencio.git"
    assert text.count(url) == text.count("revision=main") == 1
    text = text.replace(url, "https://git.example.org/fork.git").replace("revision=main", "revision=v0.2.0")
    source.write_text(text, encoding="utf-8")
    objects = [*render(tmp_path / "argocd"), *render(tmp_path / "argocd" / "applications")]
    ours = [one["spec"]["source"] for one in objects if path_of(one)]
    assert len(ours) >= 4
    assert {one["repoURL"] for one in ours} == {"https://git.example.org/fork.git"}
    assert {one["targetRevision"] for one in ours} == {"v0.2.0"}
    assert not [one for one in objects if name_of(one) == "silencio-source"], "it is for kustomize alone"


@needs_kubectl
def test_command__follows_applications_to_what_they_bring(tmp_path: Path) -> None:
    overlays = write_overlays(tmp_path)
    rendered = with_sources(
        render(tmp_path / ARGOCD["argocd"]), lambda path: render(repository_path(overlays.parents[1], path))
    )
    assert set(rendered.sources) == {path for path in map(path_of, delivered().of_kind("Application")) if path}
    assert findings_of(rendered) == []


@needs_kubectl
def test_reserve__of_your_own_is_one_file_and_a_destination(tmp_path: Path) -> None:
    overlays = write_overlays(tmp_path)
    folder = tmp_path / ARGOCD["applications"]
    north = (folder / "staging.yaml").read_text(encoding="utf-8").replace("staging", "north")
    (folder / "north.yaml").write_text(north, encoding="utf-8")
    listed = folder / "kustomization.yaml"
    text = listed.read_text(encoding="utf-8")
    listed.write_text(text.replace("  - staging.yaml\n", "  - staging.yaml\n  - north.yaml\n"), encoding="utf-8")
    shutil.copytree(overlays / "staging", overlays / "north")
    overlay = overlays / "north" / "kustomization.yaml"
    overlay.write_text(overlay.read_text(encoding="utf-8").replace("staging", "north"), encoding="utf-8")

    @cache
    def source(path: str) -> list[Object]:
        return render(repository_path(tmp_path, path))

    def found() -> list[str]:
        rendered = with_sources(render(tmp_path / ARGOCD["argocd"]), source)
        return [f"{one.check}: {one.message}" for one in findings_of(rendered)]

    assert found() == ["projects: its project does not let it into the namespace 'silencio-north'"]
    projects = tmp_path / ARGOCD["argocd"] / "projects.yaml"
    line = next(one for one in projects.read_text(encoding="utf-8").splitlines() if "silencio-staging" in one)
    both = f"{line}\n{line.replace('staging', 'north')}"
    projects.write_text(projects.read_text(encoding="utf-8").replace(line, both), encoding="utf-8")
    assert found() == []


@needs_kubectl
def test_command__says_which_digests_are_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(ROOT / "manifests" / "argocd")]) == 1
    assert "does not know the digests of its images" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1.5", "1500m"),
        ("1000m", "1"),
        ("2000", "2k"),
        ("0.5", "500m"),
        ("1500", "1500"),
        ("1024Mi", "1Gi"),
        ("1536Mi", "1536Mi"),
        ("0.5Gi", "512Mi"),
        ("8G", "8G"),
        ("0", "0"),
        (2, "2"),
        ("much", None),
        (True, None),
    ],
)
def test_amount__comes_back_as_kubernetes_writes_it(written: object, kept: str | None) -> None:
    assert canonical(written) == kept


def _lua(script: str, status: dict[str, Any] | None) -> tuple[str, str]:
    """Status and message that a health check gives, as Argo CD calls it."""
    lua = pytest.importorskip("lupa.lua51", reason="Lua is not at hand: make extras").LuaRuntime()
    lua.globals().obj = lua.table_from({} if status is None else {"status": status}, recursive=True)
    found = lua.execute(script)
    return str(found.status), str(found.message or "")


@pytest.mark.parametrize(
    ("status", "health"),
    [
        (None, "Progressing"),
        ({"health": {"status": "Healthy"}, "sync": {"status": "Synced"}}, "Healthy"),
        ({"health": {"status": "Healthy"}, "sync": {"status": "OutOfSync"}}, "Progressing"),
        ({"health": {"status": "Healthy"}}, "Progressing"),
        ({"health": {"status": "Progressing"}, "sync": {"status": "Synced"}}, "Progressing"),
        ({"health": {"status": "Missing"}, "sync": {"status": "OutOfSync"}}, "Missing"),
        (
            {
                "health": {"status": "Healthy"},
                "sync": {"status": "OutOfSync"},
                "operationState": {"phase": "Failed", "message": "no matches for kind"},
            },
            "Degraded",
        ),
    ],
    ids=["new", "done", "not all applied", "not compared", "starting", "nothing there", "refused"],
)
def test_application__is_healthy_when_all_of_it_is_there(status: dict[str, Any] | None, health: str) -> None:
    assert _lua(_health("argoproj.io_Application"), status)[0] == health


def _conditions(**given: str) -> dict[str, Any]:
    return {"conditions": [{"type": name, "status": value} for name, value in given.items()]}


@pytest.mark.parametrize(
    ("status", "health"),
    [
        (None, "Progressing"),
        ({}, "Progressing"),
        (_conditions(IngressReady="True", PredictorReady="True", Ready="True"), "Healthy"),
        (_conditions(IngressReady="True", PredictorReady="False", Ready="False"), "Progressing"),
        (
            {**_conditions(Ready="False"), "modelStatus": {"transitionStatus": "BlockedByFailedLoad",
             "lastFailureInfo": {"message": "the bundle's manifest is missing"}}},
            "Degraded",
        ),
    ],
    ids=["new", "nothing known", "ready in Standard mode", "starting", "bundle that cannot be loaded"],
)  # fmt: skip
def test_inference_service__is_healthy_when_it_is_ready(status: dict[str, Any] | None, health: str) -> None:
    found, message = _lua(_health("serving.kserve.io_InferenceService"), status)
    assert found == health
    assert health != "Degraded" or "manifest is missing" in message


@pytest.mark.parametrize(
    ("status", "health"),
    [
        (None, "Healthy"),
        ({"phase": "Pending"}, "Healthy"),
        ({"phase": "Bound"}, "Healthy"),
        ({"phase": "Lost"}, "Degraded"),
    ],
    ids=["new", "waits for its first pod", "bound", "volume that is gone"],
)
def test_claim__is_waited_for_by_no_wave(status: dict[str, Any] | None, health: str) -> None:
    assert _lua(_health("PersistentVolumeClaim"), status)[0] == health


def test_claims__of_the_cluster_wait_for_pods_that_are_of_later_waves() -> None:
    """Why claims have a health of their own."""
    storage = ROOT / "manifests/infrastructure/ansible/roles/storage/files/storage-class.yaml"
    assert yaml.safe_load(storage.read_text(encoding="utf-8"))["volumeBindingMode"] == "WaitForFirstConsumer"
    objects = golden_objects("platform")
    (claim,) = (one for one in objects if name_of(one) == "label-studio" and one["kind"] == "PersistentVolumeClaim")
    (pod,) = (one for one in objects if name_of(one) == "label-studio" and one["kind"] == "Deployment")
    assert (wave_of(claim) or 0) < (wave_of(pod) or 0)


def test_settings__are_laid_into_argo_cds_own() -> None:
    (settings,) = (one for one in golden_objects("argocd") if one["kind"] == "ConfigMap")
    assert (name_of(settings), settings["metadata"]["namespace"]) == ("argocd-cm", "argocd")
    assert settings["metadata"]["labels"]["app.kubernetes.io/part-of"] == "argocd", "else Argo CD does not read it"
    assert all(yaml.safe_load(yaml.safe_dump(text)) for text in settings["data"].values())
