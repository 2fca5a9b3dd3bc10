"""Terraform's files: read by python-hcl2, changed in one place at a time, and their variables tried by Terraform."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.delivery.infrastructure.terraform import FOLDER, Configuration, faults, read_files

_EXAMPLE = FOLDER / "terraform.tfvars.example"


def test_terraform__nothing_is_wrong() -> None:
    assert faults(read_files()) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("network.tf", "var.dns_servers", "var.name_servers", "variables: name_servers is used"),
        ("network.tf", "var.dns_servers", "[]", "variables: dns_servers is declared"),
        ("variables.tf", "list(string)\n  default     = []", "\"\"\n  default     = []", "variables: dns_servers has"),
        ("security.tf", "local.cluster_ports", "local.node_ports", "variables: local node_ports"),
        ("outputs.tf", '  description = "Account on the nodes."\n', "", "outputs: ssh_user"),
        ("network.tf", "secgroup_v2.edge.id", "secgroup_v2.outside.id", "references: openstack"),
        ("versions.tf", '"3.4.0"', '"~> 3.4"', "versions: openstack"),
        ("versions.tf", ", < 2.0.0", "", "versions: Terraform"),
        ("versions.tf", "cloud = var.cloud", 'cloud = var.cloud\n  password = "x"', "account: password"),
        ("variables.tf", '"192.168.1.12"', '"192.168.2.12"', "addresses: node2 at 192.168.2.12"),
        ("variables.tf", '"192.168.1.12"', '"192.168.1.11"', "addresses: two nodes"),
        ("variables.tf", '    node3 = "192.168.1.13"\n', "", "addresses: nodes are node1, node2"),
        ("network.tf", 'node["node1"].id', 'node["node2"].id', "addresses: the floating address node1"),
        ("security.tf", "  remote_ip_prefix  = each.value\n", "", "ingress: ssh lets everybody in"),
        ("security.tf", "remote_group_id   =", "remote_ip_prefix  =", "ingress: cluster lets in from outside"),
        ("security.tf", "https = 443", "https = 443, api = 6443", "ingress: visitors reach"),
        ("security.tf", "toset(var.admin_cidrs)", "toset(var.visitor_cidrs)", "ssh: SSH is let in from elsewhere"),
        ("security.tf", "port_range_max    = 22", "port_range_max    = 23", "ssh: the rule opens"),
        ("variables.tf", ' && !endswith(cidr, "/0")', "", "ssh: admin_cidrs may be"),
        ("variables.tf", '"admin_cidrs" {', '"admin_cidrs" {\n  default = ["0.0.0.0/0"]', "ssh: admin_cidrs has a"),
        ("volume.tf", "prevent_destroy = true", "prevent_destroy = false", "volume: data goes"),
        ("variables.tf", "default     = 100", "default     = 50", "volume: the volume is smaller"),
        ("nodes.tf", "delete_on_termination = false", "delete_on_termination = true", "volume: the volume is deleted"),
    ],
)  # fmt: skip
def test_terraform__what_is_changed_is_found(file: str, old: str, new: str, fault: str) -> None:
    files = read_files()
    assert old in files[file]
    found = faults(files | {file: files[file].replace(old, new, 1)})
    assert any(one.startswith(fault) for one in found), found


def test_example__names_every_variable_without_a_default() -> None:
    named = {
        line.partition("=")[0].strip() for line in _EXAMPLE.read_text(encoding="utf-8").splitlines() if "=" in line
    }
    assert named >= {name for name, body in Configuration(read_files()).variables.items() if "default" not in body}


def test_plan__that_the_page_writes_is_ignored_by_git() -> None:
    page = (Path(__file__).parents[3] / "docs" / "infrastructure.md").read_text(encoding="utf-8")
    (plan,) = re.findall(r"plan -out=(\S+)", page)
    assert f"/{plan}" in (FOLDER / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The variables alone, which no provider has to be fetched for."""
    folder = tmp_path_factory.mktemp("variables")
    shutil.copy(FOLDER / "variables.tf", folder)
    shutil.copy(_EXAMPLE, folder / "terraform.tfvars")
    _terraform(folder, "init", "-backend=false")
    return folder


def _terraform(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        # Nothing of whoever runs the tests.
        "TF_CLI_CONFIG_FILE": os.devnull,
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
    }
    return subprocess.run(
        ["terraform", words[0], "-no-color", *words[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(shutil.which("terraform") is None, reason="no Terraform here")
@pytest.mark.parametrize(
    ("setting", "refused"),
    [
        ("name=silencio", ""),
        ('admin_cidrs=["0.0.0.0/0"]', "not the whole Internet"),
        ('admin_cidrs=["203.0.113.7"]', "not the whole Internet"),
        ('nodes={"node1"="192.168.2.11"}', "lies outside private_cidr"),
        ('nodes={"node2"="192.168.1.12"}', "node1 is missing"),
        ("volume_gb=50", "Below 100 GB"),
        ('public_key="-----BEGIN OPENSSH PRIVATE KEY-----"', "Not a public key"),
        ('name="El Silencio"', "becomes part of hostnames"),
    ],
)
def test_variables__are_refused_where_they_would_do_harm(variables: Path, setting: str, refused: str) -> None:
    done = _terraform(variables, "plan", "-input=false", f"-var={setting}")
    assert (done.returncode != 0) is bool(refused), done.stderr
    assert refused in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.skipif(shutil.which("terraform") is None, reason="no Terraform here")
def test_files__are_formatted() -> None:
    done = _terraform(FOLDER, "fmt", "-check", "-diff")
    assert done.returncode == 0, done.stdout
