"""`submit`, against a stub of the KFP API (`kfp_stub`): no KFP backend can run on this machine."""

import copy
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.image import VERSION
from pipelines import kfp_host
from pipelines.compile import COMPILED
from silencio.__main__ import main
from silencio.network import free_ports
from tests.pipelines.kfp_stub import KfpStub


@pytest.fixture
def kfp() -> Iterator[KfpStub]:
    with KfpStub() as stub:
        yield stub


def submitted(host: str, *options: str) -> int:
    return main(["submit", "train", "--preset", "demo", "--host", host, *options])


def test_run__is_the_compiled_pipeline_with_its_parameters(kfp: KfpStub, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--data", "s3://recordings/2026", "--set", "heads.texture.epochs=3", "--experiment", "frogs"]
    assert submitted(kfp.url, *options) == 0
    # `test_compile.py` holds it against what the code says.
    committed = (COMPILED / f"train-demo-{VERSION}.yaml").read_text()
    pipeline, platform = yaml.load_all(committed, yaml.CSafeLoader)
    run = kfp.runs[0]
    sent = run["pipeline_spec"]["pipeline_spec"]
    # kfp's client reads the file into protobuf and back, which writes out numbers of its own.
    steps = {name: one["container"]["command"] for name, one in pipeline["deploymentSpec"]["executors"].items()}
    assert {name: one["container"]["command"] for name, one in sent["deploymentSpec"]["executors"].items()} == steps
    assert sent["root"]["dag"]["tasks"].keys() == pipeline["root"]["dag"]["tasks"].keys()
    assert without_claim(run["pipeline_spec"]["platform_spec"]) == without_claim(platform)
    parameters = run["runtime_config"]["parameters"]
    assert parameters["data"] == "s3://recordings/2026"
    assert parameters["overrides"] == ["heads.texture.epochs=3"]
    assert parameters.keys() <= pipeline["root"]["inputDefinitions"]["parameters"].keys()
    assert run["experiment_id"] == kfp.experiments["frogs"]
    assert f"{kfp.url}/#/runs/details/{run['run_id']}" in capsys.readouterr().out


def without_claim(platform: dict[str, Any]) -> dict[str, Any]:
    kept = copy.deepcopy(platform)
    for executor in kept["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        executor.pop("pvcMount", None)
    return kept


def mounts_claim(run: dict[str, Any]) -> bool:
    platform = run["pipeline_spec"]["platform_spec"]
    return without_claim(platform) != platform


def accelerators(run: dict[str, Any]) -> set[str]:
    executors = run["pipeline_spec"]["pipeline_spec"]["deploymentSpec"]["executors"]
    return {name for name, one in executors.items() if "accelerator" in one["container"].get("resources", {})}


S3 = ["--data", "s3://recordings/2026"]


@pytest.mark.parametrize(
    ("options", "wanted"), [([], True), (S3, False), ([*S3, "--claim"], True), (["--no-claim"], False)]
)
def test_claim__is_mounted_where_recordings_may_lie_on_it_or_by_option(
    kfp: KfpStub, options: list[str], wanted: bool
) -> None:
    assert submitted(kfp.url, *options) == 0
    assert mounts_claim(kfp.runs[0]) is wanted


def test_earlier_bundles__reach_the_run(kfp: KfpStub) -> None:
    options = ["--previous", "s3://bundles/2026", "--champion", "/data/bundles/serving"]
    assert submitted(kfp.url, *options) == 0
    assert submitted(kfp.url) == 0
    parameters = [run["runtime_config"]["parameters"] for run in kfp.runs]
    assert parameters[0]["previous"] == "s3://bundles/2026"
    assert parameters[0]["champion"] == "/data/bundles/serving"
    # As compiled: nothing earlier, and MLflow's champion.
    assert not {"previous", "champion"} & parameters[1].keys()


def test_resources__take_a_reserve_to_nodes_without_gpus(kfp: KfpStub) -> None:
    submit = ["submit", "train", "--preset", "reserve-fast", "--host", kfp.url, *S3]
    for profile in ([], ["--resources", "cpu"], ["--resources", "none"]):
        assert main([*submit, *profile]) == 0
    assert accelerators(kfp.runs[0]) == {"exec-train-effnet-lora"}
    assert accelerators(kfp.runs[1]) == accelerators(kfp.runs[2]) == set()
    for run, asks in ((kfp.runs[1], True), (kfp.runs[2], False)):
        spec, platform = run["pipeline_spec"]["pipeline_spec"], run["pipeline_spec"]["platform_spec"]
        containers = [one["container"] for one in spec["deploymentSpec"]["executors"].values()]
        assert all(bool(container.get("resources")) is asks for container in containers)
        assert "nodeSelector" not in json.dumps(platform)


SEEN = "pods see the volume claim silencio-recordings, mounted at /data, and S3, and nothing of this machine"


@pytest.mark.parametrize("option", ["--data", "--previous", "--champion"])
@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("../sub60", f"is relative to this machine's working folder: {SEEN}"),
        ("sub60", f"is relative to this machine's working folder: {SEEN}"),
        ("/nonexistent", f"is not below /data: {SEEN}"),
        ("/database/2026", f"is not below /data: {SEEN}"),
        ("/data/../home/2026", f"is not below /data: {SEEN}"),
        ("s3://", "names no bucket: s3://BUCKET/PREFIX is needed"),
        ("s3:///2026", "names no bucket: s3://BUCKET/PREFIX is needed"),
        ("gs://recordings/2026", f"is no place that a step reads: {SEEN}"),
        ("https://example.org/2026.zip", f"is no place that a step reads: {SEEN}"),
    ],
)
def test_place_that_no_pod_sees__is_refused_before_anything_is_sent(
    kfp: KfpStub, option: str, place: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submitted(kfp.url, option, place) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {option} {place!r} {message}") and error.count("\n") == 1
    assert kfp.n_requests == 0


def test_options__decide_graph_image_experiment_and_token(
    kfp: KfpStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text("heads: {small: {kind: raw_cnn, widths: [4, 8]}}")
    image = f"registry:5000/silencio@sha256:{'a' * 64}"
    options = ["--config", str(tmp_path / "config.yaml"), "--image", image]
    kfp.token, kfp.experiments = "hush", {"silencio": "made before"}
    assert submitted(kfp.url, *options) == 1
    assert "set SILENCIO_KFP_TOKEN" in capsys.readouterr().err
    monkeypatch.setenv("SILENCIO_KFP_TOKEN", "hush")
    assert submitted(kfp.url + "/", *options) == 0
    executors = kfp.runs[0]["pipeline_spec"]["pipeline_spec"]["deploymentSpec"]["executors"]
    assert "exec-train-small" in executors
    assert {executor["container"]["image"] for executor in executors.values()} == {image}
    kept = {name: one["container"]["env"] for name, one in executors.items() if "env" in one["container"]}
    printed = [{"name": "SILENCIO_IMAGE", "value": image}]
    assert kept == {"exec-open-run": printed, "exec-export": printed}
    parameters = kfp.runs[0]["runtime_config"]["parameters"]
    assert "small" in parameters["config"]
    assert kfp.runs[0]["experiment_id"] == "made before"


def test_namespace__is_needed_where_kfp_serves_several(kfp: KfpStub, capsys: pytest.CaptureFixture[str]) -> None:
    kfp.namespaces = {"ana"}
    assert submitted(kfp.url) == 1
    assert "--namespace" in capsys.readouterr().err
    assert submitted(kfp.url, "--namespace", "ana") == 0
    assert kfp.runs


def test_wrong_namespace__is_kfp_s_reason_in_one_sentence(kfp: KfpStub, capsys: pytest.CaptureFixture[str]) -> None:
    kfp.namespaces = {"ana"}
    assert submitted(kfp.url, "--namespace", "bob") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "refuses (HTTP 403): User is not authorized in namespace bob" in error
    assert not kfp.runs


def test_refused_run__is_kfp_s_reason_in_one_sentence(kfp: KfpStub, capsys: pytest.CaptureFixture[str]) -> None:
    kfp.refuses_runs = "the pipeline spec is invalid"
    assert submitted(kfp.url) == 1
    assert capsys.readouterr().err == (f"error: KFP at {kfp.url} refuses (HTTP 400): the pipeline spec is invalid\n")


def test_unreachable_host__is_one_sentence_at_once(pauses: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    assert submitted(url) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: no KFP API answers at {url} (Connection refused)")
    assert error.count("\n") == 1
    # kfp.Client by itself tries for half a minute.
    assert sum(pauses) < 5


def test_host_without_address__is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert submitted("http://kfp.invalid") == 1
    error = capsys.readouterr().err
    assert "no KFP API answers at http://kfp.invalid" in error and error.count("\n") == 1


def test_host_that_does_not_answer__is_given_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kfp_host, "_ANSWER_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert submitted(f"http://127.0.0.1:{server.getsockname()[1]}") == 1
    assert "no answer within" in capsys.readouterr().err


def test_host_that_falls_silent_later__is_given_up(
    kfp: KfpStub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kfp_host, "_ANSWER_S", 0.5)
    kfp.silent = threading.Event()
    try:
        assert submitted(kfp.url) == 1
    finally:
        kfp.silent.set()
    assert "no answer within" in capsys.readouterr().err


@pytest.mark.parametrize(("status", "body"), [(404, "not found"), (200, "<html>a UI</html>"), (200, "[]"), (502, "")])
def test_other_server__is_no_kfp(kfp: KfpStub, status: int, body: str, capsys: pytest.CaptureFixture[str]) -> None:
    kfp.health = (status, body)
    assert submitted(kfp.url) == 1
    error = capsys.readouterr().err
    assert f"what answers at {kfp.url} is no KFP API" in error and f"HTTP {status}" in error
    assert error.count("\n") == 1


def test_other_server_with_a_health_page__is_no_kfp(kfp: KfpStub, capsys: pytest.CaptureFixture[str]) -> None:
    kfp.only_healthy = True
    assert submitted(kfp.url) == 1
    error = capsys.readouterr().err
    assert "HTTP 404" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--image", "silencio/train:latest"], "--image='silencio/train:latest': give a version"),
        (["--set", "heads.raw_cnn.epoch=1"], "heads.raw_cnn.epoch: is not known here"),
        (["--config", "/nowhere.yaml"], "cannot be read"),
    ],
)
def test_wrong_options__are_named_before_anything_is_sent(
    kfp: KfpStub, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submitted(kfp.url, *options) == 1
    assert message in capsys.readouterr().err
    assert kfp.n_requests == 0


def test_host_without_scheme__is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert submitted("127.0.0.1:8888") == 1
    assert "--host '127.0.0.1:8888': a URL is needed" in capsys.readouterr().err
