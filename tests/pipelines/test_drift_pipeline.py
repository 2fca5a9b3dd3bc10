"""The pipeline `drift`: what is compiled, and how it is sent to run every morning."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.drift import drift
from components.image import VERSION, monitor_image
from monitoring.steps.drift import Inputs
from pipelines.compile import COMPILED
from silencio.__main__ import main
from silencio.errors import ConfigError
from tests.pipelines.kfp_stub import KfpStub

pytestmark = pytest.mark.usefixtures("caller_named_at_once")

PAGE = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text(encoding="utf-8")
# Of the component, and of the pipeline that gives it nothing else.
OPTIONAL = {"day", "policy", "bundle", "reviews", "webhook", "zone"}


@pytest.fixture(scope="module")
def compiled() -> tuple[Any, Any]:
    pipeline, platform = yaml.safe_load_all((COMPILED / f"drift-{VERSION}.yaml").read_text(encoding="utf-8"))
    return pipeline, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-drift"]


def test_compiled__runs_in_the_image_that_has_evidently(compiled: tuple[Any, Any]) -> None:
    container = compiled[0]["deploymentSpec"]["executors"]["exec-drift"]["container"]
    assert container["image"] == monitor_image() == f"registry.example/silencio/monitor:{VERSION}"
    assert container["resources"]["resourceMemoryLimit"] == "4G"


def test_compiled__is_answered_by_no_earlier_run(compiled: tuple[Any, Any]) -> None:
    """Rows are added to a day for as long as servers have some of it, and an empty `day` is another each morning."""
    (task,) = compiled[0]["root"]["dag"]["tasks"].values()
    assert "enableCache" not in task["cachingOptions"]


def test_compiled__has_what_reads_the_log_and_signs_what_is_sent(compiled: tuple[Any, Any]) -> None:
    pod = compiled[1]
    assert [one["secretName"] for one in pod["secretAsEnv"]] == ["silencio-s3", "silencio-drift"]
    (signs,) = pod["secretAsEnv"][1]["keyToEnv"]
    assert signs == {"secretKey": "webhook_secret", "envVar": "SILENCIO_DRIFT_WEBHOOK_SECRET"}
    assert all(one["optional"] for one in pod["secretAsEnv"]), "a pod that lacks a secret would never start"
    assert pod["pvcMount"][0]["mountPath"] == "/data"


def test_pipeline__hands_every_input_on_and_needs_two_places(compiled: tuple[Any, Any]) -> None:
    root, (task,) = compiled[0]["root"], compiled[0]["root"]["dag"]["tasks"].values()
    given = {name: one["componentInputParameter"] for name, one in task["inputs"]["parameters"].items()}
    assert given == {name: name for name in Inputs.__dataclass_fields__}
    declared = root["inputDefinitions"]["parameters"]
    assert {name for name, one in declared.items() if one.get("isOptional")} == OPTIONAL | {"run_key"}


def test_component__says_what_a_run_showed() -> None:
    outputs = drift.component_spec.outputs
    assert outputs is not None
    assert {name: one.type for name, one in outputs.items()} == {
        "page": "system.HTML@0.0.1",
        "day": "String",
        "n_changed": "Integer",
        "n_alerts": "Integer",
    }


def test_image__is_another_one_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_MONITOR_IMAGE", "registry.example.org/wildlife/monitor:1.2")
    assert monitor_image() == "registry.example.org/wildlife/monitor:1.2"
    monkeypatch.setenv("SILENCIO_MONITOR_IMAGE", "registry.example.org/wildlife/monitor:latest")
    with pytest.raises(ConfigError, match="SILENCIO_MONITOR_IMAGE"):
        monitor_image()


def test_page__has_it_run_every_morning_in_an_environment_of_its_own() -> None:
    (line,) = (one for one in PAGE.splitlines() if one.startswith("silencio submit drift "))
    words = shlex.split(line)[1:]
    with KfpStub() as kfp:
        words[words.index("--host") + 1] = kfp.url
        assert main(words) == 0
        staging = [word.replace("production", "staging") for word in words]
        assert main(staging) == 0 and main(words) == 0
        made = {one["display_name"]: one for one in kfp.schedules.values()}
    assert sorted(made) == [f"silencio-drift-silencio-drift.{name}" for name in ("production", "staging")]
    one = made["silencio-drift-silencio-drift.production"]
    assert one["trigger"]["cron_schedule"]["cron"] == "0 0 6 * * *"
    assert (int(one["max_concurrency"]), one["no_catchup"]) == (1, True), "one at a time, missed ones left out"
    assert one["runtime_config"]["parameters"] == {
        "predictions": "s3://silencio-predictions/production/",
        "reports": "s3://silencio-drift/production/",
        "zone": "America/Bogota",
    }
    assert "silencio-recordings" not in str(one["pipeline_spec"]["platform_spec"]), "everything lies in S3"


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("reports=out/drift", "'out/drift' would go with the pod that writes it"),
        ("reports=/data/drift", "'/data/drift' would go with the pod that writes it"),
        ("predictions=out/log", "'out/log' is relative to this machine's working folder"),
        ("reviews=file:///reviews", "'file:///reviews' is no place that a step reads"),
    ],
)
def test_places__that_a_pod_would_lose_or_cannot_read_are_refused_before_anything_is_sent(
    argument: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"predictions": "s3://silencio-predictions/p/", "reports": "s3://silencio-drift/p/"}
    given |= dict([argument.split("=", 1)])  # type: ignore[list-item]
    words = [word for key, value in given.items() for word in ("--argument", f"{key}={value}")]
    with KfpStub() as kfp:
        assert main(["submit", "drift", "--host", kfp.url, *words]) != 0
        assert kfp.schedules == {}
    assert told in capsys.readouterr().err
