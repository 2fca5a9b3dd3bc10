"""Make Ansible's inventory, which Kubespray reads too, of what Terraform tells of the nodes.

terraform -chdir=manifests/infrastructure/terraform output -json | .venv/bin/python scripts/make_inventory.py
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import sys
from pathlib import Path
from typing import Any

import yaml

from silencio.command import command, exit_with
from silencio.console import Console
from silencio.errors import ConfigError
from silencio.storage.atomic import write_atomically

INVENTORY = Path(__file__).parents[1] / "manifests" / "infrastructure" / "ansible" / "inventory" / "hosts.yaml"
OUTPUTS = ("nodes", "floating_ip", "ssh_user", "private_cidr", "volume_id")
# The node that has the floating address, and the volume.
ENTRY = "node1"


def inventory_of(outputs: dict[str, Any]) -> dict[str, Any]:
    """The inventory: every node has etcd, the control plane and pods; those behind `ENTRY` are reached through it.

    Args:
        outputs: What `terraform output -json` prints.

    Raises:
        ConfigError: An output is missing, or an address lies outside the private network.
    """
    missing = [name for name in OUTPUTS if name not in outputs]
    if missing:
        raise ConfigError(f"Terraform's outputs lack {', '.join(missing)}: terraform apply comes first")
    values = {name: outputs[name]["value"] for name in OUTPUTS}
    network = ipaddress.ip_network(values["private_cidr"])
    outside = [name for name, address in values["nodes"].items() if ipaddress.ip_address(address) not in network]
    if outside or ENTRY not in values["nodes"]:
        raise ConfigError(f"nodes are {values['nodes']}: {ENTRY} has to be one of them, and all of them in {network}")
    jump = f"-o ProxyJump={values['ssh_user']}@{values['floating_ip']}"
    nodes = dict(sorted(values["nodes"].items()))
    hosts = {
        name: {"ansible_host": values["floating_ip"] if name == ENTRY else address, "ip": address, "access_ip": address}
        | ({} if name == ENTRY else {"ansible_ssh_common_args": jump})
        for name, address in nodes.items()
    }
    everywhere = {"hosts": {name: {} for name in nodes}}
    groups = {
        "kube_control_plane": everywhere,
        "etcd": everywhere,
        "kube_node": everywhere,
        "k8s_cluster": {"children": {"kube_control_plane": {}, "kube_node": {}}},
        "storage": {"hosts": {ENTRY: {}}},
    }
    return {"all": {"vars": {"ansible_user": values["ssh_user"]}, "hosts": hosts, "children": groups}}


@command
def main() -> int:
    """Returns 0 when the file is written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--outputs", type=Path, metavar="FILE", help="default: standard input")
    parser.add_argument(
        "--inventory", type=Path, default=INVENTORY, metavar="FILE", help="default: where playbooks look"
    )
    options = parser.parse_args()
    text = options.outputs.read_text(encoding="utf-8") if options.outputs else sys.stdin.read()
    try:
        outputs = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"these are no outputs of Terraform: {error}; terraform output -json prints them") from error
    dumper = type("Dumper", (yaml.SafeDumper,), {"ignore_aliases": lambda self, data: True})
    text = yaml.dump(inventory_of(outputs), Dumper=dumper, sort_keys=False)
    write_atomically(options.inventory, text)
    Console().print(f"{options.inventory}: {len(outputs['nodes']['value'])} nodes")
    return 0


if __name__ == "__main__":
    exit_with(main)
