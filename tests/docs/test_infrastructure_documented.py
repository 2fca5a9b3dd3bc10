"""docs/infrastructure.md and docs/promises.md name what manifests/infrastructure has, and what the repository has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from delivery.given import SECRETS
from silencio.cli.entries import commands
from tests.delivery.infrastructure.terraform import Configuration, read_files
from tests.delivery.overlays import golden_objects

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "infrastructure.md").read_text(encoding="utf-8")
PROMISES = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
ANSIBLE = ROOT / "manifests" / "infrastructure" / "ansible"
TERRAFORM = Configuration(read_files())


def _rows(page: str, heading: str) -> list[list[str]]:
    table = page.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def _yaml(name: str) -> Any:
    return yaml.safe_load((ANSIBLE / name).read_text(encoding="utf-8"))


def test_nodes__have_the_addresses_of_terraform() -> None:
    shown = {row[0].strip("`"): row[1].partition(",")[0] for row in _rows(PAGE, "node")}
    assert shown == TERRAFORM.variables["nodes"]["default"]


def test_ports__are_those_that_security_groups_open() -> None:
    shown = {int(port) for row in _rows(PAGE, "port") for port in re.findall(r"\d+", row[0])}
    opened = {one[end] for one in TERRAFORM.locals["cluster_ports"].values() for end in ("first", "last")}
    assert shown == opened | set(TERRAFORM.locals["visitor_ports"].values()) | {22}


def test_roles__are_those_of_the_playbook_in_their_order() -> None:
    (play,) = _yaml("platform.yml")
    assert [row[0].strip("`") for row in _rows(PAGE, "role")] == play["roles"]


def test_secrets__are_those_that_are_generated() -> None:
    made = _yaml("roles/secrets/vars/main.yml")
    names_ = {one["name"] for of in ("platform", "monitoring", "environments") for one in made[f"secrets_of_{of}"]}
    shown = {row[0].strip("`") for row in _rows(PAGE, "secret")}
    by_hand = {"silencio-restore", "silencio-bundle-key"}
    assert shown == names_ | {"silencio-store", "silencio-first-key"} >= set(SECRETS) - by_hand
    accounts = [f"`{one['name']}`" for one in _yaml("roles/secrets/defaults/main.yml")["secrets_s3_accounts"]]
    assert f"for each of {', '.join(accounts)}" in PAGE
    environments = _yaml("inventory/group_vars/all/silencio.yml")["silencio_environments"]
    assert f"at first `{'`, `'.join(environments)}`" in PAGE


def _claimed_gib(objects: list[Any]) -> int:
    claims = [one for one in objects if one["kind"] == "PersistentVolumeClaim"]
    claims += [claim for one in objects for claim in one.get("spec", {}).get("volumeClaimTemplates", [])]
    return sum(int(one["spec"]["resources"]["requests"]["storage"].removesuffix("Gi")) for one in claims)


def test_claims__fit_on_the_volume() -> None:
    claimed_gib = sum(_claimed_gib(golden_objects(name)) for name in ("platform", "monitoring"))
    assert f"ask for {claimed_gib} Gi" in " ".join(PAGE.split())
    assert claimed_gib << 30 <= TERRAFORM.variables["volume_gb"]["default"] * 10**9
    (job,) = (one for one in golden_objects("restore") if one["kind"] == "Job")
    (asked,) = (
        one["ephemeral"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"]
        for one in job["spec"]["template"]["spec"]["volumes"]
        if "ephemeral" in one
    )
    assert f"and {asked.replace('Gi', ' Gi')} while a backup is restored" in " ".join(PAGE.split())


def test_playbooks__are_each_named() -> None:
    assert {path.name for path in ANSIBLE.glob("*.yml")} == set(re.findall(r"\b(\w+\.yml)\b", PAGE)) - {
        "cluster.yml", "kubespray.yml", "silencio.yml",
    } - {"node.yml"}  # fmt: skip


def test_resources__that_the_teardown_names_are_there() -> None:
    named = set(re.findall(r"\b(openstack_\w+)\.(\w+)", PAGE))
    assert ("openstack_blockstorage_volume_v3", "data") in named
    assert named <= set(TERRAFORM.resources)


def test_promises__what_is_there_names_what_is_there() -> None:
    rows = _rows(PROMISES, "promise")
    assert {row[1] for row in rows} <= {"yes", "by another way", "in part", "no"}
    for promise, met, by, missing in rows:
        # What is met says by what, and what is not says why.
        assert bool(by) is (met != "no"), promise
        assert missing or met in ("yes", "by another way"), promise


def test_promises__name_files_targets_and_commands_that_there_are() -> None:
    quoted = set(re.findall(r"`([^`]+)`", PROMISES))
    files = {one for one in quoted if re.match(r"(manifests|monitoring|pipelines|scripts)/", one)}
    assert files
    assert not [one for one in files if not (ROOT / one).exists()]
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {one.split()[1] for one in quoted if one.startswith("make ")} <= targets
    assert {one.split()[1] for one in quoted if one.startswith("silencio ")} <= set(commands())
    roles = set(re.findall(r"role `(\w+)`", PROMISES))
    assert roles <= {path.name for path in (ANSIBLE / "roles").iterdir()}


def test_promises__name_claims_and_buckets_that_deploying_has() -> None:
    pages = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("deploying.md", "cluster.md"))
    named = set(re.findall(r"`((?:silencio|mlflow|s3)[-.][a-z.-]+)`", PROMISES))
    assert {"silencio-bundles", "silencio-recordings"} < named
    assert not [one for one in named if one not in pages]
