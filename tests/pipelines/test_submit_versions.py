"""`submit`: versions, recurring runs and pipelines without a configuration, against a stub of the KFP API."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from components.image import VERSION
from pipelines.cli.submit import _WITHOUT_CONFIGURATION
from pipelines.compile import COMPILED, WITHOUT_CONFIGURATION
from pipelines.kfp_host import safe_name
from pipelines.submit import typed_arguments
from silencio.__main__ import main
from silencio.errors import ConfigError
from tests.pipelines.kfp_stub import KfpStub

S3 = ["--data", "s3://recordings/2026"]
WEEKLY = ["--cron", "0 3 * * 1"]
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


@pytest.fixture
def kfp() -> Iterator[KfpStub]:
    with KfpStub() as stub:
        yield stub


def submitted(host: str, *options: str) -> int:
    return main(["submit", "train", "--preset", "demo", "--host", host, *options])


def test_version__is_the_compiled_file_and_there_once(kfp: KfpStub) -> None:
    assert submitted(kfp.url) == submitted(kfp.url) == 0
    assert [one["display_name"] for one in kfp.pipelines.values()] == ["silencio-train-demo"]
    (version,) = kfp.versions.values()
    # `test_compile.py` holds it against what the code says.
    assert version["package"] == (COMPILED / f"train-demo-{VERSION}.yaml").read_bytes()
    assert len(kfp.runs) == 2


def test_version__of_another_graph_is_another_one(kfp: KfpStub) -> None:
    for options in ([], S3, ["--image", "registry:5000/silencio:2"], ["--resources", "none"]):
        assert submitted(kfp.url, *options) == 0
    assert len(kfp.pipelines) == 1
    assert len({one["display_name"] for one in kfp.versions.values()}) == 4


def test_version__of_a_submit_that_was_faster_is_taken(kfp: KfpStub) -> None:
    kfp.is_faster = True
    assert submitted(kfp.url) == 0
    assert len(kfp.pipelines) == len(kfp.versions) == len(kfp.runs) == 1


def test_names__are_those_of_kubernetes_objects(kfp: KfpStub) -> None:
    assert submitted(kfp.url, *WEEKLY, "--schedule", "Every-Monday") == 0
    (pipeline,), (version,), (schedule,) = kfp.pipelines.values(), kfp.versions.values(), kfp.schedules.values()
    assert schedule["display_name"] == "every-monday"
    for name in (pipeline["name"], version["display_name"], schedule["display_name"]):
        assert SUBDOMAIN.fullmatch(name) and len(name) <= 63


def test_name__that_is_too_long_keeps_what_tells_versions_apart() -> None:
    name = safe_name(f"silencio-train-{'frogs-of-the-north-' * 5}0.1.0-0123456789ab")
    assert name.endswith("-0.1.0-0123456789ab") and len(name) <= 63 and SUBDOMAIN.fullmatch(name)


def test_pipelines__of_a_user_are_in_the_user_s_namespace(kfp: KfpStub) -> None:
    kfp.namespaces = {"ana"}
    assert submitted(kfp.url, "--namespace", "ana") == 0
    assert [one["namespace"] for one in kfp.pipelines.values()] == ["ana"]


def test_schedule__is_one_run_at_a_time_without_those_that_were_missed(
    kfp: KfpStub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submitted(kfp.url, *S3, *WEEKLY, "--experiment", "frogs") == 0
    ((identity, made),) = kfp.schedules.items()
    assert made["display_name"] == "silencio-train-demo"
    assert made["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * 1"}}
    assert (made["mode"], made["max_concurrency"], made["no_catchup"]) == ("ENABLE", 1, True)
    assert made["experiment_id"] == kfp.experiments["frogs"]
    assert made["runtime_config"]["parameters"]["data"] == "s3://recordings/2026"
    executors = made["pipeline_spec"]["pipeline_spec"]["deploymentSpec"]["executors"]
    assert "exec-train-texture" in executors
    assert not kfp.runs
    assert f"recurring run {identity} is at {kfp.url}/#/recurringrun/details/{identity}\n" in capsys.readouterr().out


def test_schedule__takes_the_place_of_those_of_its_name_alone(kfp: KfpStub, capsys: pytest.CaptureFixture[str]) -> None:
    assert submitted(kfp.url, *WEEKLY, "--schedule", "other") == 0
    assert submitted(kfp.url, *WEEKLY) == 0
    # Two of a name, as the UI lets one make them: KFP lists one a page here.
    kfp.schedules["by-hand"] = {"display_name": "silencio-train-demo", "recurring_run_id": "by-hand"}
    capsys.readouterr()
    assert submitted(kfp.url, "--cron", "0 30 4 * * 1") == 0
    assert "in place of 2 of its name" in capsys.readouterr().out
    crons = {one["display_name"]: one["trigger"]["cron_schedule"]["cron"] for one in kfp.schedules.values()}
    assert crons == {"other": "0 0 3 * * 1", "silencio-train-demo": "0 30 4 * * 1"}
    assert len(kfp.schedules) == 2


def test_schedule__that_is_refused_leaves_the_former_at_work(kfp: KfpStub, capsys: pytest.CaptureFixture[str]) -> None:
    assert submitted(kfp.url, *WEEKLY) == 0
    (former,) = kfp.schedules
    kfp.refuses_schedules = "the cron expression is invalid"
    assert submitted(kfp.url, "--cron", "99 3 * * 1") == 1
    assert "refuses (HTTP 400): the cron expression is invalid" in capsys.readouterr().err
    assert list(kfp.schedules) == [former] and kfp.schedules[former]["mode"] == "ENABLE"


def test_schedule__that_was_broken_off_never_runs_twice_and_is_ended_by_the_same_command(
    kfp: KfpStub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submitted(kfp.url, *WEEKLY) == 0
    kfp.refuses_deletions = "not now"
    assert submitted(kfp.url, *WEEKLY) == 1
    assert sorted(one["mode"] for one in kfp.schedules.values()) == ["DISABLE", "ENABLE"]
    kfp.refuses_deletions = ""
    assert submitted(kfp.url, *WEEKLY) == 0
    assert [one["mode"] for one in kfp.schedules.values()] == ["ENABLE"]


@pytest.mark.parametrize("cron", ["0 3 * *", "0 0 3 * * 1 2026", "@weekly", "0 3 * * Monday;"])
def test_times__that_are_none_are_refused_before_anything_is_sent(
    kfp: KfpStub, cron: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submitted(kfp.url, "--cron", cron) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: --cron {cron!r}: minute, hour, day, month and weekday are needed")
    assert kfp.n_requests == 0


def test_schedule_without_times__is_refused(kfp: KfpStub, capsys: pytest.CaptureFixture[str]) -> None:
    assert submitted(kfp.url, "--schedule", "weekly") == 1
    assert "--cron" in capsys.readouterr().err
    assert kfp.n_requests == 0


@pytest.mark.parametrize("name", ["Schutzgebiet Süd", "Ост", "-weekly", "north/2", "w" * 64])
def test_schedule__of_a_name_that_another_may_become_is_refused_before_anything_is_sent(
    kfp: KfpStub, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submitted(kfp.url, *WEEKLY, f"--schedule={name}") == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: --schedule {name!r} would be ") and "at most 63 letters a to z" in error
    assert error.count("\n") == 1 and kfp.n_requests == 0


def test_schedules__of_two_places_stand_beside_each_other(kfp: KfpStub, capsys: pytest.CaptureFixture[str]) -> None:
    def scheduled(pipeline: str, place: str) -> int:
        arguments = {"place": place, "recordings": "s3://held-out/2026"}
        arguments |= {"packages": "s3://packages"} if pipeline == "deliver" else {}
        given = [word for key, value in arguments.items() for word in ("--argument", f"{key}={value}")]
        return main(["submit", pipeline, "--host", kfp.url, "--no-claim", *WEEKLY, *given])

    for pipeline, place in [("deliver", "reef/fish"), ("release", "south/reef-fish"), ("release", "south-reef/fish")]:
        assert scheduled(pipeline, f"kserve:{place}") == 0
    assert sorted(one["display_name"] for one in kfp.schedules.values()) == [
        "silencio-deliver-reef.fish",
        "silencio-release-south-reef.fish",
        "silencio-release-south.reef-fish",
    ]
    capsys.readouterr()
    assert scheduled("release", "kserve:a-namespace-of-more-letters-than-a-name-has/silencio-of-birds") == 1
    assert capsys.readouterr().err.startswith("error: --schedule 'silencio-release-a-namespace-of-")


def test_release__is_sent_with_its_arguments(kfp: KfpStub) -> None:
    place = "kserve:silencio-production/silencio"
    options = ["--argument", f"place={place}", "--argument", "recordings=s3://held-out/2026", "--no-claim"]
    assert main(["submit", "release", "--host", kfp.url, *options]) == 0
    (run,) = kfp.runs
    assert run["runtime_config"]["parameters"] == {"place": place, "recordings": "s3://held-out/2026"}
    assert {name for names in mounts(run).values() for name in names} == {"silencio-release"}
    committed = next(yaml.load_all((COMPILED / f"release-{VERSION}.yaml").read_text(), yaml.CSafeLoader))
    assert (
        run["pipeline_spec"]["pipeline_spec"]["root"]["dag"]["tasks"].keys() == committed["root"]["dag"]["tasks"].keys()
    )


def mounts(run: dict[str, Any]) -> dict[str, list[str]]:
    platform = run["pipeline_spec"]["platform_spec"]
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {name: [mount["constant"] for mount in executor.get("pvcMount", [])] for name, executor in executors.items()}


def test_archive__is_scored_each_night(kfp: KfpStub) -> None:
    arguments = ["--argument", "data=s3://archive/2026", "--argument", "n_shards=4"]
    assert main(["submit", "batch-score", "--host", kfp.url, *arguments, "--cron", "0 1 * * *"]) == 0
    (made,) = kfp.schedules.values()
    assert made["display_name"] == "silencio-batch-score"
    assert made["runtime_config"]["parameters"] == {"data": "s3://archive/2026", "n_shards": 4}


DECLARED = {
    "text": {"parameterType": "STRING"},
    "count": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3},
    "share": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.5},
    "is_new": {"parameterType": "BOOLEAN", "defaultValue": False},
    "names": {"parameterType": "LIST", "isOptional": True},
}


def test_arguments__have_the_types_of_the_pipeline() -> None:
    given = ["text=a=b", "count=4", "share=1", "is_new=true", 'names=["a"]']
    wanted = {"text": "a=b", "count": 4, "share": 1, "is_new": True, "names": ["a"]}
    assert typed_arguments("toy", DECLARED, given) == wanted
    assert typed_arguments("toy", DECLARED, ["text="]) == {"text": ""}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["texts=a"], "--argument 'texts=a': toy takes NAME=VALUE with one of count, is_new, names, share, text"),
        (["text"], "--argument 'text': toy takes NAME=VALUE"),
        (["text=a", "text=b"], "--argument text is given twice"),
        (["text=a", "count=four"], "--argument 'count=four': number integer is needed"),
        (["text=a", "count=1.5"], "number integer is needed"),
        (["text=a", "count=true"], "number integer is needed"),
        (["text=a", "is_new=yes"], "boolean is needed"),
        (["count=4"], "toy needs text: give --argument text=VALUE"),
    ],
)
def test_arguments__that_do_not_fit_are_named(given: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        typed_arguments("toy", DECLARED, given)


def test_pipelines__of_the_command_are_those_that_are_sent() -> None:
    assert sorted(_WITHOUT_CONFIGURATION) == sorted(WITHOUT_CONFIGURATION)
