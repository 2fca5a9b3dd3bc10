"""Help costs no extra: where the distribution alone is installed, every command says what it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement

# Everything but these and the standard library is as if it were not installed.
CODE = """
import sys
allowed = set(sys.argv[1].split(",")) | set(sys.stdlib_module_names)

class Absent:
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root not in allowed and not root.startswith("_sysconfigdata"):
            raise ModuleNotFoundError(f"No module named {root!r}", name=root)

sys.meta_path.insert(0, Absent())
from silencio.cli.entries import commands, parser_of

helped, lacking = [], {}
for name, entry in commands().items():
    try:
        helped.append(parser_of(entry).format_help().split()[2])
    except ModuleNotFoundError as error:
        lacking[name] = error.name
import json
print(json.dumps([helped, lacking, sorted(commands())]))
"""


def _needed(name: str, found: set[str]) -> set[str]:
    """A distribution with all that it depends on, without extras."""
    if name not in found:
        found.add(name)
        for line in metadata.requires(name) or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                _needed(requirement.name.lower().replace("_", "-"), found)
    return found


def test_help__of_every_command_needs_no_extra() -> None:
    distributions = _needed("silencio", set())
    packages = [
        package
        for package, owners in packages_distributions().items()
        if any(owner.lower().replace("_", "-") in distributions for owner in owners)
    ]
    rooms = ["silencio", "serving", "pipelines", "components", "monitoring"]
    command = [sys.executable, "-c", CODE, ",".join([*packages, *rooms])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    helped, lacking, names = json.loads(done.stdout)
    assert lacking == {}
    assert helped == names
