"""What a cluster must provide: one table, from which steps are given it, the page is made, and a step's words come."""

import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format

from pipelines.cluster_objects import (
    ENVIRONMENT,
    GPU_NODES,
    RECORDINGS,
    RELEASE_FILES,
    RELEASE_FILES_VARIABLE,
    RELEASE_ROLE,
    advice,
    page,
)
from pipelines.compile import COMPILED
from pipelines.resources import Cluster, made_for
from pipelines.train import train_pipeline
from serving.canary.steps.release_place import FILES
from silencio.__main__ import main
from silencio.config import preset_names, preset_text, resolve
from silencio.data.manifest_places import check_places
from silencio.errors import ConfigError, SchemaError
from silencio.registry.settings import Tracking
from silencio.storage.settings import S3Settings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "cluster.md"


def test_page__is_what_the_table_has() -> None:
    assert PAGE.read_text() == page(), "write it anew: silencio cluster > docs/cluster.md"


def test_command__prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cluster"]) == 0
    assert capsys.readouterr().out == page()


def test_page__has_every_object_and_key_and_the_command_that_creates_it() -> None:
    text = page()
    for one in ENVIRONMENT:
        command = next(
            line for line in text.splitlines() if re.match(rf"kubectl .*create {one.kind} .*{one.name} ", line)
        )
        for key in one.keys:
            assert f"| `{key.name}` | `{key.variable}` |" in text
            assert f"--from-literal={key.name}=" in command
    assert "kubectl -n NAMESPACE create secret generic silencio-s3 --from-literal=accesskey=KEY" in text
    assert f"kubectl label node NODE {GPU_NODES.key}={GPU_NODES.value}" in text
    claim = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    assert (claim["kind"], claim["metadata"]["name"]) == ("PersistentVolumeClaim", RECORDINGS.name)


def test_page__has_what_a_release_needs_as_the_manifests_have_it() -> None:
    """One name and one path in the pipeline, on the page and in the Deployment of the judge."""
    text, folder = page(), ROOT / "manifests" / "release"
    objects = [
        one
        for path in folder.glob("*.yaml")
        for one in yaml.safe_load_all(path.read_text())
        if one["kind"] in ("PersistentVolumeClaim", "Deployment", "Role", "RoleBinding")
    ]
    named = {(one["kind"], one["metadata"]["name"]): one for one in objects}
    claim = named["PersistentVolumeClaim", RELEASE_FILES.name]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    pod = named["Deployment", "silencio-release"]["spec"]["template"]["spec"]
    (volume,) = [one["name"] for one in pod["volumes"] if one.get("persistentVolumeClaim")]
    (container,) = pod["containers"]
    assert {"name": volume, "mountPath": RELEASE_FILES.mount_path} in container["volumeMounts"]
    assert {"name": RELEASE_FILES_VARIABLE, "value": RELEASE_FILES.mount_path} in container["env"]
    assert ("Role", RELEASE_ROLE.name) in named
    bound = named["RoleBinding", "silencio-release-pipeline"]
    assert bound["roleRef"]["name"] == RELEASE_ROLE.name
    for account in bound["subjects"]:
        assert f"`{account['name']}`" in text
    for name in (f"`{RELEASE_FILES.name}`", f"`{RELEASE_ROLE.name}`", "kubectl apply -k manifests/release"):
        assert name in text
    assert RELEASE_FILES_VARIABLE == FILES, "the library knows no pipelines"


@cache
def requested(preset: str, profile: str) -> dict[str, str]:
    """What the executors of a compiled graph ask for, in the words of the page's table."""
    found = {}
    overrides = [] if preset == "demo" else ["heads.raw_cnn={}", "heads.resnet={}", "student={}"]
    text = preset_text(preset)
    with made_for(Cluster(profile)):
        pipeline = train_pipeline(preset, resolve(text, overrides=overrides), "{}")
    kubernetes = json_format.MessageToDict(pipeline.platform_spec)["platforms"]["kubernetes"]
    mounts = kubernetes["deploymentSpec"]["executors"]
    spec = json_format.MessageToDict(pipeline.pipeline_spec)
    for label, executor in spec["deploymentSpec"]["executors"].items():
        resources = executor["container"].get("resources")
        shared = "".join(
            f" ({one['sizeLimit']} of it shared)" for one in mounts.get(label, {}).get("emptyDirMounts", [])
        )
        if resources:
            n_cores = int(float(resources["resourceCpuRequest"]))
            gpu = f", {resources['accelerator']['resourceCount']} GPU" if "accelerator" in resources else ""
            words = f"{n_cores} core{'s' if n_cores > 1 else ''}, {resources['resourceMemoryLimit']}{shared}{gpu}"
            found[label.removeprefix("exec-")] = words
            assert resources["resourceMemoryRequest"] == resources["resourceMemoryLimit"]
    return found


def test_table_of_profiles__is_what_steps_ask_for() -> None:
    rows = [line.strip("| ").split(" | ") for line in page().splitlines() if line.count(" | ") == 2]
    documented = {what: dict(zip(("cpu", "gpu"), words, strict=True)) for what, *words in rows}
    small = "in `demo`, `instruments`, `yamnet`: a head"
    for profile in ("cpu", "gpu"):
        wanted = {what: words[profile] for what, words in documented.items() if "core" in words[profile]}
        large, demo = requested("reserve-fast", profile), requested("demo", profile)
        for name in ("validate", "featurize-test"):
            assert large[name] == demo[name] == wanted["`validate`, `pool-unlabelled`, `featurize`"]
        for name in ("export", "evaluate", "compare-bundles"):
            assert large[name] == wanted["`export`, `evaluate`, `compare-bundles`, `batch-score`"]
        for kind in ("effnet_lora", "raw_cnn", "texture"):
            assert large[f"train-{kind.replace('_', '-')}"] == wanted[f"a head of kind `{kind}`"]
        assert large["train-resnet"] == wanted["a head of another kind"]
        assert large["pseudo-label"] == wanted["`pseudo-label`: all heads at work, for a student or self-training"]
        for name in ("open-run", "inputs-version", "split", "fit-ensemble", "apply-gates", "register"):
            assert large[name] == demo[name] == wanted["all other steps"]
        same = documented[small][profile] == "as in others"
        assert demo["train-effnet-lora"] == (large["train-effnet-lora"] if same else documented[small][profile])
    assert requested("reserve-fast", "none") == {}


def test_preset__is_compiled_for_the_profile_that_the_page_names() -> None:
    documented = re.search(r"profile is `cpu` for (.*?)\s+and `gpu` for (.*?)\. ", page())
    names = {
        profile: set(re.findall(r"`(.*?)`", text))
        for profile, text in zip(("cpu", "gpu"), documented.groups(), strict=True)
    }
    assert names["cpu"] | names["gpu"] == set(preset_names())
    for profile in ("cpu", "gpu"):
        for preset in names[profile] & {"demo", "reserve-fast"}:
            assert requested(preset, "") == requested(preset, profile)


def test_claim__has_an_access_mode_of_several_nodes() -> None:
    claim = yaml.safe_load(RECORDINGS.manifest)
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    row = next(line for line in page().splitlines() if line.startswith("| volume claim"))
    assert "`ReadOnlyMany`" in row and "`ReadWriteMany`" in row


def test_readme__points_to_the_page() -> None:
    section = (ROOT / "README.md").read_text().split("## On a cluster")[1].split("\n## ")[0]
    assert "(docs/cluster.md)" in section
    assert not re.search(r"`(access|secret)key`", section), "the table has the keys, and has them alone"


def test_compiled_pipelines__read_everything_that_the_table_has_and_nothing_else() -> None:
    read, claims, labels = set(), set(), set()
    for path in COMPILED.glob("*.yaml"):
        _, platform = yaml.load_all(path.read_text(), yaml.CSafeLoader)
        for requested in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
            for one in requested.get("configMapAsEnv", []):
                read |= {
                    ("configmap", one["configMapName"], key["configMapKey"], key["envVar"]) for key in one["keyToEnv"]
                }
            for one in requested.get("secretAsEnv", []):
                read |= {("secret", one["secretName"], key["secretKey"], key["envVar"]) for key in one["keyToEnv"]}
            claims |= {(one["constant"], one["mountPath"]) for one in requested.get("pvcMount", [])}
            labels |= set(requested.get("nodeSelector", {}).get("labels", {}).items())
    assert read == {(one.kind, one.name, key.name, key.variable) for one in ENVIRONMENT for key in one.keys}
    assert claims == {(one.name, one.mount_path) for one in (RECORDINGS, RELEASE_FILES)}
    assert labels == {(GPU_NODES.key, GPU_NODES.value)}


def test_advice__names_object_key_and_command() -> None:
    assert advice("MLFLOW_TRACKING_URI is not set: a pod keeps no file", "kubeflow") == [
        "on a cluster, MLFLOW_TRACKING_URI is key mlflow_tracking_uri of the config map silencio-tracking: kubectl -n "
        "kubeflow create configmap silencio-tracking "
        "--from-literal=mlflow_tracking_uri=http://mlflow.silencio.svc:5000 (docs/cluster.md)"
    ]


def test_advice__names_each_of_several() -> None:
    lines = advice("s3://a: refused: check SILENCIO_S3_ACCESS_KEY and SILENCIO_S3_SECRET_KEY", "ana")
    assert [line.split(" is ")[1].split(":")[0] for line in lines] == [
        "key accesskey of the secret silencio-s3",
        "key secretkey of the secret silencio-s3",
    ]


@pytest.mark.parametrize(
    "sentence", ["/data is not a folder", "there is no /data/train.csv", "/data: nothing is there"]
)
def test_advice__knows_the_volume(sentence: str) -> None:
    assert advice(sentence, "kubeflow") == [
        "on a cluster, /data is the volume claim silencio-recordings of kubeflow (docs/cluster.md)"
    ]


@pytest.mark.parametrize(
    "sentence", ["", "/out/data is full", "/database is gone", "MY_MLFLOW_TRACKING_URI", "s3://a/data"]
)
def test_advice__of_nothing_else(sentence: str) -> None:
    assert advice(sentence, "kubeflow") == []


def test_advice__for_a_manifest_that_names_another_place_opens_it_when_it_is_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SILENCIO_MANIFEST_PLACES", raising=False)
    places = [(2, "a.ogg", f"{RECORDINGS.mount_path}/a.ogg")]
    with pytest.raises(SchemaError) as refused:
        check_places("s3://bucket/mine.csv", "s3://bucket", places)
    (line,) = [one for one in advice(str(refused.value), "kubeflow") if "MANIFEST" in one]
    assert "is key manifest_places of the config map silencio-settings" in line
    # As its command sets it.
    monkeypatch.setenv("SILENCIO_MANIFEST_PLACES", re.search(r"--from-literal=manifest_places=(\S+)", line)[1])
    check_places("s3://bucket/mine.csv", "s3://bucket", places)


@pytest.mark.parametrize(
    ("settings", "variables", "wanted"),
    [
        (Tracking, {"KFP_POD_NAME": "pod"}, "key mlflow_tracking_uri of the config map silencio-tracking"),
        (S3Settings, {}, "key endpoint of the config map silencio-s3"),
        (
            S3Settings,
            {"SILENCIO_S3_ENDPOINT": "a:9000", "SILENCIO_S3_ACCESS_KEY": "x"},
            "key secretkey of the secret silencio-s3",
        ),
        (
            S3Settings,
            {"SILENCIO_S3_ENDPOINT": "a:9000", "SILENCIO_S3_SECURE": "maybe"},
            "key secure of the config map silencio-s3",
        ),
    ],
)
def test_setting__that_a_pod_lacks_is_one_that_the_advice_knows(
    settings: type, variables: dict[str, str], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in ENVIRONMENT:
        for key in one.keys:
            monkeypatch.delenv(key.variable, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as lacking:
        settings()
    assert any(wanted in line for line in advice(str(lacking.value), "kubeflow"))
