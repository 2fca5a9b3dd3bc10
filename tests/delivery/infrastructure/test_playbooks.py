"""Playbooks: versions and ports, and with `make extras` syntax, lint, and what runs against this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
import psutil
import pytest
import yaml

from delivery.rendered import Rendered
from scripts.make_inventory import inventory_of
from tests.delivery.infrastructure.playbooks import FOLDER, HAS_ANSIBLE, play, run
from tests.delivery.infrastructure.terraform import Configuration, read_files
from tests.delivery.overlays import PLACE, golden_objects

ROOT = Path(__file__).parents[3]
OUTPUTS = json.loads((Path(__file__).parent / "terraform_output.json").read_text(encoding="utf-8"))
PLAYBOOKS = sorted(path.name for path in FOLDER.glob("*.yml"))
KUBESPRAY = (FOLDER / "kubespray.sh").read_text(encoding="utf-8")
(TAG,) = re.findall(r"^tag=(\S+)", KUBESPRAY, re.MULTILINE)
needs_ansible = pytest.mark.skipif(not HAS_ANSIBLE, reason="no Ansible: make extras")


def _yaml(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def test_versions__of_what_is_fetched_are_exact() -> None:
    assert re.search(r"^tag=v\d+\.\d+\.\d+ commit=[0-9a-f]{40}$", KUBESPRAY, re.MULTILINE)
    assert re.fullmatch(r"v\d+\.\d+\.\d+", _yaml("roles/argocd/defaults/main.yml")["argocd_version"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", _yaml("inventory/group_vars/k8s_cluster/kubespray.yml")["kube_version"])
    assert "latest" not in json.dumps([_yaml(str(path)) for path in FOLDER.rglob("*.yml")])


def test_roles__that_playbooks_name_are_there_and_no_other() -> None:
    named = [role for name in PLAYBOOKS for play_ in _yaml(name) for role in play_["roles"]]
    assert set(named) == {path.name for path in (FOLDER / "roles").iterdir()}


def test_groups__that_playbooks_name_are_in_the_inventory() -> None:
    inventory = inventory_of(OUTPUTS)["all"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.yml"))
    groups = {play_["hosts"].partition("[")[0] for name in PLAYBOOKS for play_ in _yaml(name)}
    groups |= set(re.findall(r"groups\['(\w+)'\]", text))
    assert groups <= set(inventory["children"])


def test_ports__of_the_registry_and_ssh_are_open_between_nodes() -> None:
    ports = Configuration(read_files()).locals["cluster_ports"]
    registry = _yaml("inventory/group_vars/all/silencio.yml")["silencio_registry_port"]
    assert ports["registry"]["first"] == ports["registry"]["last"] == registry
    assert ports["vxlan"] == {"protocol": "udp", "first": 4789, "last": 4789}
    assert _yaml("inventory/group_vars/k8s_cluster/kubespray.yml")["calico_vxlan_mode"] == "Always"


def test_registry__listens_in_the_private_network_alone_and_writes_to_the_volume() -> None:
    text = (FOLDER / "roles" / "pre_k8s" / "templates" / "registry.yml.j2").read_text(encoding="utf-8")
    given = _yaml("inventory/group_vars/all/silencio.yml") | {"ip": "192.168.1.11"}
    config = yaml.safe_load(jinja2.Template(text, undefined=jinja2.StrictUndefined).render(given))
    assert config["http"]["addr"] == f"192.168.1.11:{given['silencio_registry_port']}"
    assert config["storage"]["filesystem"]["rootdirectory"] == f"{given['silencio_data']}/registry"


def test_dns__is_where_policies_let_out_to() -> None:
    # A cache on the node's own address is in no namespace.
    assert _yaml("inventory/group_vars/k8s_cluster/kubespray.yml")["enable_nodelocaldns"] is False


def test_claims__lie_on_the_volume_of_the_node_that_has_it() -> None:
    claims = _yaml("inventory/group_vars/k8s_cluster/kubespray.yml")
    assert claims["local_path_provisioner_claim_root"] == "{{ silencio_data }}/claims"
    assert claims["local_path_provisioner_is_default_storageclass"] == "false"
    storage = _yaml("roles/storage/files/storage-class.yaml")
    (topology,) = storage["allowedTopologies"]
    (expression,) = topology["matchLabelExpressions"]
    assert expression["values"] == list(inventory_of(OUTPUTS)["all"]["children"]["storage"]["hosts"])
    assert storage["metadata"]["annotations"]["defaultVolumeType"] == "local", "kubelets count no other"
    assert (storage["reclaimPolicy"], storage["volumeBindingMode"]) == ("Retain", "WaitForFirstConsumer")
    assert storage["metadata"]["annotations"]["defaultVolumeType"] == "local", "no kubelet measures the others"
    data = _yaml("inventory/group_vars/all/silencio.yml")["silencio_data"]
    assert f'"$device" {data} ' in read_cloud_init()


def read_cloud_init() -> str:
    return (FOLDER.parent / "terraform" / "cloud-init" / "node1.yaml").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_kubespray__whose_tag_was_moved_is_not_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = _kubespray(FOLDER / "kubespray.sh", out, _tagged(tmp_path / "origin"))
    assert (done.returncode, "look at what was moved before you run it" in done.stderr) == (1, True), done.stderr
    # Nothing of it was installed.
    assert [path.name for path in out.iterdir()] == [TAG]


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_kubespray__is_run_by_its_own_configuration_and_not_by_that_of_the_playbooks(tmp_path: Path) -> None:
    origin, out, script = _tagged(tmp_path / "origin"), tmp_path / "out", tmp_path / "kubespray.sh"
    words = ["git", "-C", str(origin), "rev-parse", "HEAD"]
    commit = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    script.write_text(re.sub(r"commit=[0-9a-f]{40}", f"commit={commit}", KUBESPRAY), encoding="utf-8")
    ansible = out / f"{TAG}-venv" / "bin" / "ansible-playbook"
    ansible.parent.mkdir(parents=True)
    (out / f"{TAG}-venv" / ".ready").touch()
    ansible.write_text('#!/usr/bin/env bash\necho "${ANSIBLE_CONFIG:-own}" "$PWD"\n', encoding="utf-8")
    ansible.chmod(0o755)
    done = _kubespray(script, out, origin, ANSIBLE_CONFIG=str(FOLDER / "ansible.cfg"))
    assert done.stdout.split() == ["own", str((out / TAG).resolve())], done.stderr


def _tagged(origin: Path) -> Path:
    """A repository with Kubespray's tag and nothing in it."""
    origin.mkdir()
    git = ["git", "-C", str(origin), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "a"], ["tag", TAG]):
        subprocess.run([*git, *words], check=True)
    return origin


def _kubespray(script: Path, out: Path, origin: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script, which fetches from a repository of this machine in place of its address."""
    (address,) = re.findall(r"https://\S+\.git", KUBESPRAY)
    environment = os.environ | {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{origin.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
        **variables,
    }
    return subprocess.run(["bash", str(script), str(out)], env=environment, capture_output=True, text=True, check=False)


def test_preflight__tries_every_place_that_nodes_fetch_from() -> None:
    objects = [one for name in ("platform", "monitoring", "staging", "production") for one in golden_objects(name)]
    images = [str(one["image"]) for pod in Rendered(objects).pods for one in pod.programs]
    sources = [one["spec"]["source"] for one in golden_objects("applications")]
    charts = [one["repoURL"] for one in sources if "chart" in one]
    hosts = {one.partition("/")[0] for one in [*images, *charts] if not one.startswith(PLACE)}
    # Of Docker's own registry the name in an image is not the host's.
    wanted = {"registry-1.docker.io" if one == "docker.io" else one for one in hosts}
    wanted.add(urlsplit(_yaml("roles/argocd/defaults/main.yml")["argocd_url"]).hostname or "")
    tried = _yaml("roles/preflight/defaults/main.yml")["preflight_outside"]
    assert wanted <= {one["host"] for one in tried if one["port"] == 443}
    assert len(wanted) >= 3


def test_applications__are_those_of_the_repository() -> None:
    source = _yaml("roles/applications/defaults/main.yml")["applications_source"]
    assert source.replace("{{ playbook_dir }}", str(FOLDER)) == f"{FOLDER}/../../argocd"


@needs_ansible
def test_playbooks__have_a_syntax_that_ansible_takes(tmp_path: Path) -> None:
    done = run("ansible-playbook", "--syntax-check", "--inventory=localhost,", *PLAYBOOKS, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_ansible
def test_playbooks__pass_the_production_profile_of_the_linter(tmp_path: Path) -> None:
    done = run("ansible-lint", "--offline", "--strict", home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def _of_this_machine() -> dict[str, Any]:
    """What the role would find here, as far as it is the same on every machine: small, with an address and a mount."""
    addresses = [
        one.address for every in psutil.net_if_addrs().values() for one in every if one.family is socket.AF_INET
    ]
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    return {
        "preflight_min_processors": 1,
        "preflight_min_memory_mb": 100,
        "preflight_min_free_gb": 0,
        "preflight_max_swap_mb": 1 << 30,
        "preflight_min_kernel": "3.0",
        "preflight_outside": [],
        "ip": next((one for one in addresses if not one.startswith("127.")), ""),
        "silencio_data": next((mount for device, mount, *_ in mounts if device.startswith("/")), ""),
    }


@needs_ansible
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, ""),
        ({"preflight_min_processors": 4096}, "wanted: 4096"),
        ({"preflight_distributions": {"Debian": ["4"]}}, "wanted: {'Debian': ['4']}"),
        ({"ip": "192.0.2.1"}, "the inventory says 192.0.2.1: make it anew"),
        ({"silencio_data": "/srv/nothing"}, "Nothing is mounted at /srv/nothing"),
        (
            {"preflight_outside": [{"host": "127.0.0.1", "port": 1}], "preflight_outside_timeout_s": 1},
            "cannot reach 127.0.0.1:1",
        ),
    ],
)
def test_preflight__names_what_a_node_lacks(variables: dict[str, Any], told: str, tmp_path: Path) -> None:
    here = _of_this_machine()
    if not here["ip"] or not here["silencio_data"]:
        pytest.skip("a machine without a network or a mounted device")
    played = play("preflight.yml", inventory_of(OUTPUTS), here | variables, tmp_path, "--check", "--limit=node1")
    text = " ".join(played.text.split())
    assert (played.status == 0, told in text) == (not told, True), played.text


@needs_ansible
def test_nodes__in_check_mode_tell_what_they_would_change(tmp_path: Path) -> None:
    here = {"silencio_data": str(tmp_path / "data"), "silencio_has_registry": False}
    played = play("nodes.yml", inventory_of(OUTPUTS), here, tmp_path, "--check", "--limit=node1")
    assert (played.status, played.changed) == (0, {"node1": 1}), played.text
    assert not (tmp_path / "data").exists()
