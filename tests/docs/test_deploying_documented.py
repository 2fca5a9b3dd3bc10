"""docs/deploying.md says what the manifests are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.argocd import wave_of
from delivery.checks import CHECKS
from delivery.given import SECRETS
from delivery.rendered import Rendered, name_of
from delivery.servers import server_of
from serving.canary.kserve.predictors import WRITTEN_FIELDS
from tests.delivery.overlays import SERVING, golden_objects
from tests.delivery.platform_backup import READER, steps

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
MANIFESTS = ROOT / "manifests"


def _rows(heading: str) -> list[list[str]]:
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def _kustomization(name: str) -> Any:
    return yaml.safe_load((MANIFESTS / "overlays" / name / "kustomization.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SERVING)
def test_overlays__are_described_as_they_render(name: str) -> None:
    (row,) = (one for one in _rows("overlay") if one[0] == f"`{name}`")
    objects = golden_objects(name)
    (service,) = (one for one in objects if one["kind"] == "InferenceService")
    (namespace,) = (one["metadata"]["name"] for one in objects if one["kind"] == "Namespace")
    predictor = service["spec"]["predictor"]
    assert row[1:3] == [f"`{namespace}`", str(predictor["minReplicas"])]
    scheme = predictor["model"]["storageUri"].partition("://")[0]
    assert row[3] == {"s3": "S3", "pvc": "a volume claim"}[scheme]
    assert row[4] == ("digest" if "pinned" in _kustomization(name)["components"] else "tag")
    components = [Path(one).name for one in _kustomization(name)["components"]]
    assert re.findall("`(.+?)`", row[5]) == [one for one in components if one not in ("pinned", "place")]
    assert components[-1] == "place"


def test_pod__that_takes_the_bundle_is_waited_for() -> None:
    steps = ["run put ", "wait pod/put --for=condition=Ready ", "cp out/demo/bundle put:", "delete pod put"]
    assert sorted(steps, key=PAGE.index) == steps


def test_components__are_each_described() -> None:
    assert {row[0].strip("`") for row in _rows("component")} == {
        one.name for one in (MANIFESTS / "components").iterdir()
    }


def test_checks__are_each_described() -> None:
    rows = {row[0].strip("`"): row[1] for row in _rows("check")}
    assert rows == {name: (check.__doc__ or "").splitlines()[0].rstrip(".") for name, check in CHECKS.items()}


def test_secrets__have_the_keys_that_are_listed_and_made() -> None:
    assert {row[0].strip("`"): tuple(re.findall("`(.+?)`", row[1])) for row in _rows("secret")} == SECRETS
    for name, keys in SECRETS.items():
        (line,) = re.findall(rf"create secret generic {name} .*", PAGE)
        assert all(f"={key}=" in line for key in keys), name


def test_fields__that_argo_cd_leaves_alone_are_those_that_releases_write() -> None:
    assert [row[0].strip("`") for row in _rows("field | what a release does with it")] == list(WRITTEN_FIELDS)


def test_waves__are_those_of_the_applications() -> None:
    rows = {row[1].strip("`"): row[0].partition(",")[0] for row in _rows("wave")}
    assert rows == {name_of(one): str(wave_of(one)) for one in golden_objects("applications")}


def test_ports__are_those_of_the_pods() -> None:
    names = ("production", "platform", "monitoring")
    pods = Rendered([one for name in names for one in golden_objects(name)]).pods
    listened = {port for pod in pods for one in pod.containers for port in server_of(one).ports.values()}
    assert {int(row[0]) for row in _rows("port")} == listened


def test_backup__is_at_the_hour_and_kept_as_long_as_the_page_has_it() -> None:
    (job,) = (
        one["spec"]
        for one in golden_objects("platform")
        if one["metadata"]["name"] == "backup" and one["kind"] == "CronJob"
    )
    assert (job["schedule"], job["timeZone"]) == (
        "17 2 * * *",
        "Etc/UTC",
    ) and "at 2:17 UTC the CronJob `backup`" in PAGE
    kept = dict(re.findall(r"--keep-(\w+)=(\d+)", " ".join(steps("platform", "CronJob backup")["retention"]["args"])))
    assert kept == {"last": "3", "daily": "7", "weekly": "5", "monthly": "12"}
    assert "last three, seven days, five weeks and twelve months" in " ".join(PAGE.split())


def test_tracking_image__has_the_mlflow_of_the_clients() -> None:
    pins = [(ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8") for name in ("tracking", "train")]
    (of_server, of_clients) = ([line for line in text.splitlines() if line.startswith("mlflow==")] for text in pins)
    assert of_server == of_clients != []


def test_accounts__of_the_store_write_one_bucket_each() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    admin, *others = json.loads(text)["identities"]
    assert "Admin" in admin["actions"]
    (backup,) = (one for one in others if one["name"] == "backup")
    assert backup["actions"] == READER["actions"], "as in the test that backs up and restores"
    (pipelines,) = (one for one in others if one["name"] == "pipelines")
    assert [action for action in pipelines["actions"] if action.startswith("Write:")] == [
        "Write:silencio-bundles",
        "Write:silencio-drift",
    ]
    (dashboard,) = (one for one in others if one["name"] == "dashboard")
    assert dashboard["actions"] == ["Read:recordings", "List:recordings"]
    for one in (one for one in others if one not in (backup, pipelines, dashboard)):
        assert {action.partition(":")[2] for action in one["actions"]} == {f"silencio-{one['name']}"}


def test_storage_container__may_run_in_a_restricted_namespace() -> None:
    (text,) = re.findall(r"```yaml\n(apiVersion: serving.kserve.io/v1alpha1\nkind: Cluster.*?)```", PAGE, re.DOTALL)
    container = yaml.safe_load(text)["spec"]["container"]
    context = container["securityContext"]
    assert context["runAsNonRoot"] and context["seccompProfile"] and not context["allowPrivilegeEscalation"]
    assert context["capabilities"] == {"drop": ["ALL"]} and container["name"] == "storage-initializer"


def test_quotas__are_those_of_the_queue() -> None:
    (queue,) = (one for one in golden_objects("queues") if one["kind"] == "ClusterQueue")
    (group,) = queue["spec"]["resourceGroups"]
    quotas = {one["name"]: [each["nominalQuota"] for each in one["resources"]] for one in group["flavors"]}
    assert {row[0].strip("`"): row[2:] for row in _rows("flavor")} == quotas


def test_jobs__that_rules_and_panels_know_and_charts_call_otherwise_are_named() -> None:
    """By these names others' exporters are found: what a page does not name stays empty."""
    monitoring = ROOT / "monitoring"
    texts = [*(monitoring / "prometheus" / "rules").glob("*.yml"), *(monitoring / "grafana").glob("*.json")]
    jobs = {job for path in texts for job in re.findall(r'\bjob=\\?"([^"\\]+)', path.read_text(encoding="utf-8"))}
    assert {row[0].strip("`") for row in _rows("job")} == {one for one in jobs if not one.endswith("/silencio")}
