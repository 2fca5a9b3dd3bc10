"""What nodes are started with: no secrets, and a volume that is never formatted twice. cloud-init: `make extras`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.delivery.infrastructure.terraform import FOLDER

FILES = sorted((FOLDER / "cloud-init").glob("*.yaml"))
# As `make extras` unpacks it, and the environment that has what it imports.
CLOUD_INIT = os.environ.get("SILENCIO_CLOUD_INIT", "")
PYTHON = Path(os.environ.get("SILENCIO_ANSIBLE", "")) / "bin" / "python"
_HAS_CLOUD_INIT = Path(CLOUD_INIT or "missing").is_dir()
# Where Debian has what formats.
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_HAS_TOOLS = all(shutil.which(name, path=_PATH) for name in ("blkid", "mkfs.ext4", "mkswap"))


def _data(name: str) -> Any:
    return yaml.safe_load((FOLDER / "cloud-init" / name).read_text(encoding="utf-8"))


def test_nodes__are_started_alike_but_for_the_volume() -> None:
    node1, node = _data("node1.yaml"), _data("node.yaml")
    assert set(node1) - set(node) == {"write_files", "runcmd"}
    assert {name: node1[name] for name in node} == node


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_user_data__has_no_secrets_and_lets_no_password_in(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("#cloud-config\n")
    assert (yaml.safe_load(text)["ssh_pwauth"], yaml.safe_load(text)["disable_root"]) == (False, True)
    assert not re.search(r"(?i)passw(or)?d:|token|private key|secret_?key|chpasswd|BEGIN ", text)


def test_user_data__what_terraform_fills_in_is_what_it_gives() -> None:
    (given,) = re.findall(
        r'templatefile\("\$\{path\.module\}/cloud-init/(.+?)", \{\s*(\w+) =', (FOLDER / "nodes.tf").read_text()
    )
    assert given[0] == "node1.yaml"
    filled = re.findall(r"\$\{(.+?)\}", (FOLDER / "cloud-init" / "node1.yaml").read_text(encoding="utf-8"))
    assert filled == [f"substr({given[1]}, 0, 20)"]
    assert "${" not in (FOLDER / "cloud-init" / "node.yaml").read_text(encoding="utf-8")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with the script that node1 has, and with disks of 32 MB in files."""
    (file,) = _data("node1.yaml")["write_files"]
    (tmp_path / "silencio-volume").write_text(file["content"], encoding="utf-8")
    (tmp_path / "fstab").write_text("", encoding="utf-8")
    return tmp_path


def _disk(machine: Path, *made_by: str) -> Path:
    disk = machine / "disk"
    with disk.open("wb") as file:
        file.truncate(32 << 20)
    if made_by:
        subprocess.run([*made_by, str(disk)], check=True, capture_output=True, env={"PATH": _PATH})
    return disk


def _start(machine: Path, disk: Path) -> subprocess.CompletedProcess[str]:
    words = ["sh", "silencio-volume", str(disk), str(machine / "mounted"), str(machine / "fstab")]
    return subprocess.run(words, cwd=machine, env={"PATH": _PATH}, capture_output=True, text=True, check=False)


def _uuid(disk: Path) -> str:
    words = ["blkid", "--probe", "--match-tag", "UUID", "--output", "value", str(disk)]
    return subprocess.run(words, env={"PATH": _PATH}, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(not _HAS_TOOLS, reason="no blkid, mkfs.ext4 or mkswap here")
def test_volume__that_is_empty_gets_a_filesystem_once(machine: Path) -> None:
    disk = _disk(machine)
    assert _start(machine, disk).returncode == 0
    first = _uuid(disk)
    assert _start(machine, disk).returncode == 0
    assert _uuid(disk) == first
    (line,) = (machine / "fstab").read_text(encoding="utf-8").splitlines()
    assert line.split()[:3] == [f"UUID={first}", str(machine / "mounted"), "auto"]
    # A node starts without it, and can be looked at.
    assert "nofail" in line.split()[3]


@pytest.mark.skipif(not _HAS_TOOLS, reason="no blkid, mkfs.ext4 or mkswap here")
def test_volume__of_an_earlier_cluster_is_mounted_as_it_is(machine: Path) -> None:
    disk = _disk(machine, "mkfs.ext4", "-q", "-L", "by-hand")
    before = disk.read_bytes()
    assert _start(machine, disk).returncode == 0
    assert disk.read_bytes() == before
    assert f"UUID={_uuid(disk)} " in (machine / "fstab").read_text(encoding="utf-8")


@pytest.mark.skipif(not _HAS_TOOLS, reason="no blkid, mkfs.ext4 or mkswap here")
def test_volume__with_something_else_is_left_alone(machine: Path) -> None:
    disk = _disk(machine)
    disk.chmod(0o600)
    subprocess.run(["mkswap", str(disk)], check=True, capture_output=True, env={"PATH": _PATH})
    before = disk.read_bytes()
    done = _start(machine, disk)
    assert (done.returncode, "left alone" in done.stderr) == (1, True)
    assert disk.read_bytes() == before
    assert (machine / "fstab").read_text(encoding="utf-8") == ""


@pytest.mark.skipif(not _HAS_TOOLS, reason="no blkid, mkfs.ext4 or mkswap here")
def test_volume__that_is_not_there_is_not_made(machine: Path) -> None:
    done = _start(machine, machine / "disk")
    assert (done.returncode, "is the volume attached?" in done.stderr) == (1, True)
    assert not (machine / "disk").exists()


def _schema(path: Path) -> subprocess.CompletedProcess[str]:
    words = [str(PYTHON), "-m", "cloudinit.cmd.main", "schema", "--config-file", str(path)]
    environment = os.environ | {"PYTHONPATH": CLOUD_INIT}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not _HAS_CLOUD_INIT, reason="no cloud-init here: make extras")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_user_data__is_what_cloud_init_knows(path: Path) -> None:
    done = _schema(path)
    assert (done.returncode, "Valid cloud-config" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.skipif(not _HAS_CLOUD_INIT, reason="no cloud-init here: make extras")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ssh_pwauth: false", "ssh_pwauth: [1]"),
        ('permissions: "0755"', "permissions: 755"),
        ("runcmd:", "runcmd: all\nruncmds:"),
        ("ntp: {enabled: true}", "ntp: {enabled: always}"),
    ],
)
def test_user_data__that_cloud_init_would_not_take_is_found(tmp_path: Path, old: str, new: str) -> None:
    text = (FOLDER / "cloud-init" / "node1.yaml").read_text(encoding="utf-8")
    assert old in text
    changed = tmp_path / "node1.yaml"
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert _schema(changed).returncode != 0
