"""Terraform's files as python-hcl2 reads them, and what must hold of them; Terraform itself is not needed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

FOLDER = Path(__file__).parents[3] / "manifests" / "infrastructure" / "terraform"
_OPTIONS = hcl2.SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)
_PINNED = re.compile(r"\d+\.\d+\.\d+")
# What stands after `cloud = …` in a provider's block would be an account.
_PROVIDER_ARGUMENTS = {"cloud"}
_VISITORS = {"http": 80, "https": 443}

Files = dict[str, str]


def read_files() -> Files:
    """The texts of the folder's files, by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.tf"))}


@cache
def _blocks(text: str) -> dict[str, Any]:
    return hcl2.loads(text, serialization_options=_OPTIONS)


class Configuration:
    """Blocks of all files together.

    Attributes:
        text: All files, without their comments.
        variables: By name.
        outputs: By name.
        resources: By type and name; data sources as `data.TYPE`.
        terraform: The settings of Terraform itself.
        provider: The arguments of OpenStack's provider.
        locals: Local values by name.
    """

    def __init__(self, files: Files) -> None:
        self.text = "\n".join(re.sub(r"(?m)(^|\s)#.*$", "", text) for text in files.values())
        self.variables: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}
        self.resources: dict[tuple[str, str], Any] = {}
        self.terraform: dict[str, Any] = {}
        self.provider: dict[str, Any] = {}
        self.locals: dict[str, Any] = {}
        for text in files.values():
            self._add(_blocks(text))

    def _add(self, blocks: dict[str, Any]) -> None:
        for variable in blocks.get("variable", []):
            self.variables |= variable
        for output in blocks.get("output", []):
            self.outputs |= output
        for kind, prefix in (("resource", ""), ("data", "data.")):
            for block in blocks.get(kind, []):
                for type_, named in block.items():
                    self.resources |= {(prefix + type_, name): body for name, body in named.items()}
        for block in blocks.get("terraform", []):
            self.terraform |= block
        for block in blocks.get("provider", []):
            self.provider |= block["openstack"]
        for block in blocks.get("locals", []):
            self.locals |= block

    def of_type(self, type_: str) -> dict[str, Any]:
        """Resources of a type, by name."""
        return {name: body for (one, name), body in self.resources.items() if one == type_}


def faults(files: Files) -> list[str]:
    """What is wrong, each in one line that begins with the rule's name."""
    configuration = Configuration(files)
    return [f"{rule.__name__[1:]}: {fault}" for rule in _RULES for fault in rule(configuration)]


def _variables(configuration: Configuration) -> Iterator[str]:
    used = set(re.findall(r"\bvar\.(\w+)", configuration.text))
    # In its own validation a variable names itself.
    outside = re.sub(r"(?s)\bvariable \".*?\n}\n", "", configuration.text)
    for name in used - set(configuration.variables):
        yield f"{name} is used and not declared"
    for name, body in configuration.variables.items():
        if not re.search(rf"\bvar\.{name}\b", outside):
            yield f"{name} is declared and not used"
        if not body.get("type") or not body.get("description"):
            yield f"{name} has no type or no description"
    for name in set(re.findall(r"\blocal\.(\w+)", configuration.text)) ^ set(configuration.locals):
        yield f"local {name} is used and not declared, or the other way round"


def _outputs(configuration: Configuration) -> Iterator[str]:
    for name, body in configuration.outputs.items():
        if not body.get("description"):
            yield f"{name} has no description"


def _references(configuration: Configuration) -> Iterator[str]:
    names = {f"{type_}.{name}" for type_, name in configuration.resources}
    for named in set(re.findall(r"\b(?:data\.)?openstack_\w+\.\w+", configuration.text)):
        if named not in names:
            yield f"{named} is not there"


def _versions(configuration: Configuration) -> Iterator[str]:
    for block in configuration.terraform["required_providers"]:
        for name, provider in block.items():
            if not _PINNED.fullmatch(provider.get("version", "")):
                yield f"{name} is not pinned to one version"
    if "<" not in configuration.terraform.get("required_version", ""):
        yield "Terraform may be of any later version"


def _account(configuration: Configuration) -> Iterator[str]:
    for name in set(configuration.provider) - _PROVIDER_ARGUMENTS:
        yield f"{name} belongs in clouds.yaml"


def _addresses(configuration: Configuration) -> Iterator[str]:
    network = ipaddress.ip_network(configuration.variables["private_cidr"]["default"])
    nodes = configuration.variables["nodes"]["default"]
    if list(nodes) != ["node1", "node2", "node3"]:
        yield f"nodes are {', '.join(nodes)}"
    for name, address in nodes.items():
        if ipaddress.ip_address(address) not in network:
            yield f"{name} at {address} is outside {network}"
    if len(set(nodes.values())) < len(nodes):
        yield "two nodes have one address"
    for name, body in configuration.of_type("openstack_networking_floatingip_associate_v2").items():
        if 'node["node1"]' not in body["port_id"]:
            yield f"the floating address {name} does not lead to node1"


def _ingress(configuration: Configuration) -> Iterator[str]:
    for name, body in configuration.of_type("openstack_networking_secgroup_rule_v2").items():
        if not body.get("remote_group_id") and not body.get("remote_ip_prefix"):
            yield f"{name} lets everybody in"
        if "remote_ip_prefix" in body and name not in ("ssh", "visitors"):
            yield f"{name} lets in from outside"
    if configuration.locals["visitor_ports"] != _VISITORS:
        yield f"visitors reach {configuration.locals['visitor_ports']}"


def _ssh(configuration: Configuration) -> Iterator[str]:
    body = configuration.of_type("openstack_networking_secgroup_rule_v2")["ssh"]
    if (body["port_range_min"], body["port_range_max"]) != (22, 22):
        yield "the rule opens other ports than 22"
    if body["for_each"] != "${toset(var.admin_cidrs)}" or body.get("remote_ip_prefix") != "${each.value}":
        yield "SSH is let in from elsewhere than admin_cidrs"
    variable = configuration.variables["admin_cidrs"]
    if "default" in variable:
        yield "admin_cidrs has a default"
    if not any('"/0"' in one["condition"] for one in variable.get("validation", [])):
        yield "admin_cidrs may be the whole Internet"


def _volume(configuration: Configuration) -> Iterator[str]:
    for name, body in configuration.of_type("openstack_blockstorage_volume_v3").items():
        if not any(one.get("prevent_destroy") is True for one in body.get("lifecycle", [])):
            yield f"{name} goes with the cluster"
    if configuration.variables["volume_gb"]["default"] < 100:
        yield "the volume is smaller than 100 GB"
    for body in configuration.of_type("openstack_compute_instance_v2").values():
        devices = [one["block_device"]["content"][0] for one in body.get("dynamic", []) if "block_device" in one]
        if not any(one["source_type"] == "volume" for one in devices):
            yield "no node has the volume"
        for device in devices:
            if device["source_type"] == "volume" and device["delete_on_termination"] is not False:
                yield "the volume is deleted with its node"


_RULES = (_variables, _outputs, _references, _versions, _account, _addresses, _ingress, _ssh, _volume)
