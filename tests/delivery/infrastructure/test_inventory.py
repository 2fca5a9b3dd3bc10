"""Ansible's inventory is made of what Terraform tells."""

from __future__ import annotations

import copy
import ipaddress
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.make_inventory import OUTPUTS, inventory_of
from silencio.errors import ConfigError
from tests.delivery.infrastructure.terraform import Configuration, read_files

ROOT = Path(__file__).parents[3]
# Recorded in the form of `terraform output -json`.
RECORDED = Path(__file__).parent / "terraform_output.json"


@pytest.fixture
def outputs() -> Any:
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def test_outputs__are_those_that_terraform_has(outputs: Any) -> None:
    assert set(outputs) == set(Configuration(read_files()).outputs) == set(OUTPUTS)


def test_inventory__has_every_node_in_the_groups_of_kubespray(outputs: Any) -> None:
    inventory = inventory_of(outputs)["all"]
    groups = inventory["children"]
    for name in ("kube_control_plane", "etcd", "kube_node"):
        assert list(groups[name]["hosts"]) == ["node1", "node2", "node3"]
    # etcd decides by majority.
    assert len(groups["etcd"]["hosts"]) % 2 == 1
    assert set(groups["k8s_cluster"]["children"]) == {"kube_control_plane", "kube_node"}
    assert list(groups["storage"]["hosts"]) == ["node1"]


def test_inventory__reaches_nodes_without_a_public_address_by_way_of_node1(outputs: Any) -> None:
    hosts = inventory_of(outputs)["all"]["hosts"]
    assert hosts["node1"]["ansible_host"] == "203.0.113.41"
    assert "ansible_ssh_common_args" not in hosts["node1"]
    for name in ("node2", "node3"):
        assert hosts[name]["ansible_ssh_common_args"] == "-o ProxyJump=debian@203.0.113.41"
        assert ipaddress.ip_address(hosts[name]["ansible_host"]).is_private
    # What the nodes call each other by.
    assert {host["ip"] for host in hosts.values()} == {host["access_ip"] for host in hosts.values()}
    assert all(host["ip"] == outputs["nodes"]["value"][name] for name, host in hosts.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"floating_ip": None}, "lack floating_ip: terraform apply comes first"),
        ({"private_cidr": "10.0.0.0/24"}, "all of them in 10.0.0.0/24"),
        ({"nodes": {"node2": "192.168.1.12"}}, "node1 has to be one of them"),
    ],
)
def test_inventory__of_other_outputs_is_refused(outputs: Any, change: dict[str, Any], message: str) -> None:
    changed = copy.deepcopy(outputs)
    for name, value in change.items():
        if value is None:
            del changed[name]
        else:
            changed[name]["value"] = value
    with pytest.raises(ConfigError, match=message):
        inventory_of(changed)


def test_script__writes_it_from_standard_input(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory" / "hosts.yaml"
    words = [sys.executable, "scripts/make_inventory.py", "--inventory", str(inventory)]
    done = subprocess.run(words, cwd=ROOT, input=RECORDED.read_text(), capture_output=True, text=True, check=False)
    assert (done.returncode, "3 nodes" in done.stdout) == (0, True), done.stderr
    assert yaml.safe_load(inventory.read_text()) == inventory_of(json.loads(RECORDED.read_text()))
    # Terraform's warnings are no outputs.
    done = subprocess.run(
        words, cwd=ROOT, input="Warning: No outputs found", capture_output=True, text=True, check=False
    )
    assert (done.returncode, "terraform output -json prints them" in done.stderr) == (1, True)
