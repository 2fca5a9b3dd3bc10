"""Playbooks of ours run on this machine by the Ansible of `make extras`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "manifests" / "infrastructure" / "ansible"
# The environment of requirements/infrastructure.txt.
ENVIRONMENT = os.environ.get("SILENCIO_ANSIBLE", "")
HAS_ANSIBLE = (Path(ENVIRONMENT or "missing") / "bin" / "ansible-playbook").is_file()
_RECAP = re.compile(r"^(\w+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """What came of a playbook.

    Attributes:
        status: Its exit status.
        text: All that it printed.
        changed: By host, how many tasks changed something.
    """

    status: int
    text: str
    changed: dict[str, int]


def run(program: str, *words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of Ansible's environment in the folder of the playbooks.

    Args:
        program: Its name.
        *words: Its arguments.
        home: A folder for what Ansible keeps of a user.
    """
    programs = Path(ENVIRONMENT) / "bin"
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(home),
        "ANSIBLE_LOCAL_TEMP": str(home / "local"),
        "ANSIBLE_REMOTE_TEMP": str(home / "remote"),
        "ANSIBLE_NOCOLOR": "1",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.run(
        [str(programs / program), *words], cwd=FOLDER, env=environment, capture_output=True, text=True, check=False
    )


def play(playbook: str, inventory: dict[str, Any], variables: dict[str, Any], home: Path, *words: str) -> Played:
    """Play one on this machine, which stands for every host of the inventory.

    Args:
        playbook: Its file's name.
        inventory: As `scripts/make_inventory.py` writes it.
        variables: What is set above all else.
        home: A folder for what is written on the way.
        *words: Further arguments of ansible-playbook.
    """
    hosts, extra = home / "hosts.json", home / "variables.json"
    hosts.write_text(json.dumps(inventory), encoding="utf-8")
    here = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    extra.write_text(json.dumps(here | variables), encoding="utf-8")
    # Variables of groups are looked for beside the inventory.
    if not (home / "group_vars").exists():
        (home / "group_vars").symlink_to(FOLDER / "inventory" / "group_vars")
    arguments = (playbook, f"--inventory={hosts}", f"--extra-vars=@{extra}", *words)
    done = run("ansible-playbook", *arguments, home=home)
    text = done.stdout + done.stderr
    return Played(done.returncode, text, {host: int(changed) for host, _, changed, _, _ in _RECAP.findall(text)})
