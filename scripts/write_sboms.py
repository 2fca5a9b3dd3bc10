"""Write what is in each built image: out/images/NAME.cdx.json, a bill of materials in CycloneDX 1.6.

    write_sboms.py [predictor transformer tools train monitor tracking]        all of them by default

An image lists itself, by its own interpreter and without a network: `cyclonedx-py environment` (requirements/sbom.txt)
is mounted into a container of it, and lists every package of Python that is installed, with version, licence and what
it needs. The packages of the base are its publisher's to list.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from silencio.command import command, exit_with
from silencio.errors import SilencioError

ROOT = Path(__file__).parents[1]
IMAGES = ("predictor", "transformer", "tools", "train", "monitor", "tracking")
TOOL = ROOT / "out" / "extras" / "sbom"
# Run where the packages are. The tool is on the path of this process alone: what the tool starts to learn of the
# environment's folders does not see it, and so it does not list itself.
INSIDE = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
options = ["--output-reproducible", "--no-validate", "--spec-version", "1.6", "--output-file", "-"]
sys.argv = ["cyclonedx-py", "environment", *options, sys.executable]
runpy.run_module("cyclonedx_py", run_name="__main__")
"""


class NotListedError(SilencioError):
    """Why an image's packages were not listed."""


def packages_of(*python: str, tool: str) -> dict[str, Any]:
    """The bill of materials of an environment.

    Args:
        python: The command that starts its interpreter.
        tool: The folder of `cyclonedx-bom`, as that interpreter sees it.

    Raises:
        NotListedError: It cannot be listed.
    """
    done = subprocess.run([*python, "-c", INSIDE, tool], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise NotListedError(
            f"{' '.join(python)} does not list its packages ({last}): is its image built, by make images?"
        )
    listed: dict[str, Any] = json.loads(done.stdout)
    return listed


def of_image(listed: dict[str, Any], name: str, version: str, image_id: str) -> dict[str, Any]:
    """A bill of materials that says of which image it is.

    Args:
        listed: By `packages_of`.
        name: The image's name.
        version: Its tag.
        image_id: The engine's sha256 of its configuration.
    """
    image = {
        "type": "container",
        "bom-ref": f"{name}:{version}",
        "name": name,
        "version": version,
        "hashes": [{"alg": "SHA-256", "content": image_id.removeprefix("sha256:")}],
    }
    return {**listed, "metadata": {**listed["metadata"], "component": image}}


def _install_tool() -> None:
    if TOOL.is_dir():
        return
    partial = TOOL.with_name(f"{TOOL.name}.partial")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--require-hashes"]
    command += ["--requirement", str(ROOT / "requirements" / "sbom.txt"), "--target", str(partial)]
    if subprocess.run(command, check=False).returncode != 0:
        raise NotListedError("requirements/sbom.txt cannot be installed: pip's words are above")
    partial.rename(TOOL)


def _version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def _write(docker: str, name: str, version: str, folder: Path) -> None:
    tag = f"silencio/{name}:{version}"
    container = [docker, "run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]
    container += ["--mount", f"type=bind,src={TOOL},dst=/sbom,readonly", "--entrypoint", "python", tag]
    listed = packages_of(*container, tool="/sbom")
    inspected = [docker, "image", "inspect", "--format", "{{.Id}}", tag]
    image_id = subprocess.run(inspected, check=True, capture_output=True, text=True).stdout.strip()
    path = folder / f"{name}.cdx.json"
    text = json.dumps(of_image(listed, f"silencio/{name}", version, image_id), indent=1)
    path.write_text(f"{text}\n", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(listed['components'])} packages")


@command
def main() -> None:
    """List the images that are named, or all."""
    names = sys.argv[1:] or IMAGES
    if unknown := sorted(set(names) - set(IMAGES)):
        raise NotListedError(f"{unknown[0]!r} is no image: {', '.join(IMAGES)}")
    docker = shutil.which("docker")
    if docker is None:
        raise NotListedError("no Docker client is in the path")
    _install_tool()
    folder = ROOT / "out" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        _write(docker, name, _version(), folder)


if __name__ == "__main__":
    exit_with(main)
