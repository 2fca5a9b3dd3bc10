"""Build images/Containerfile's images with whatever Docker engine answers, and print their sizes and seconds.

    build_images.py [predictor transformer tools train monitor tracking predictor-gpu]
                                                        all but the last by default, side by side

The environment's BASE and TORCH (cpu or cuda) become build arguments. What pip needs here to reach its index (an index,
an authority) is handed to the build as secrets, which no layer keeps. It needs no environment: of the library it has
what imports nothing else (`make images` names src/).
"""

from __future__ import annotations

import configparser
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from silencio.command import command, exit_with
from silencio.errors import SilencioError

ROOT = Path(__file__).parents[1]
# By name, the target of images/Containerfile and the arguments that make it another image.
IMAGES: dict[str, tuple[str, dict[str, str]]] = {
    "predictor": ("predictor", {}),
    "transformer": ("transformer", {}),
    "tools": ("tools", {}),
    "train": ("train", {}),
    "monitor": ("monitor", {}),
    "tracking": ("tracking", {}),
    "predictor-gpu": ("predictor", {"SERVING": "serve-gpu"}),
}
# Gigabytes of CUDA, which few need.
_BY_NAME_ALONE = {"predictor-gpu"}
_SERVING = {"predictor", "transformer", "tools"}
ARGUMENTS = ("BASE", "TORCH")
# An image of a pod that is to start soon on a node that never saw it.
MAX_SERVING_BYTES = 750_000_000
_N_LISTED = 5
# Of pip's own settings, those that say from where it takes packages and whom it believes.
_OF_PIP = ("index-url", "extra-index-url", "trusted-host", "proxy", "default-timeout", "retries")
_MB = 1_000_000
_LARGEST = "du -sk /opt/silencio/lib/python3*/site-packages/* /usr/* /var | sort -rn | head -n {n}"


class NotBuiltError(SilencioError):
    """Why nothing was built, in one sentence."""


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers, and a client that can ask it to build.

    Attributes:
        client: The client's path.
        network: The network of builds: the engine's own, or the host's where containers have none.
    """

    client: str
    network: str

    def output(self, *arguments: str) -> str:
        """What the client prints."""
        return subprocess.run([self.client, *arguments], check=True, capture_output=True, text=True).stdout

    @classmethod
    def found(cls) -> Engine:
        """The first client of the path that has BuildKit, and the engine that it reaches.

        Raises:
            NotBuiltError: There is no client, no engine, or none with BuildKit.
        """
        folders = os.environ.get("PATH", "").split(os.pathsep)
        clients = [path for folder in folders if (path := shutil.which("docker", path=folder))]
        if not clients:
            raise NotBuiltError(f"no Docker client is in the path: {_HOW}")
        answer = _run(clients[0], "version", "--format", "{{.Server.Version}}")
        if answer.returncode != 0:
            raise NotBuiltError(f"no Docker engine answers ({_last_line(answer.stderr)}): {_HOW}")
        for client in clients:
            if _has_buildkit(client):
                networks = _run(client, "network", "ls", "--format", "{{.Name}}").stdout.split()
                return cls(client, "default" if "bridge" in networks else "host")
        raise NotBuiltError(f"{clients[0]} has no BuildKit: install Docker's buildx, or Debian's docker.io")


_HOW = "start one, or on Debian as root: scripts/with_docker_engine.sh make images"


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it says nothing"])[-1]


def _has_buildkit(client: str) -> bool:
    """Debian's client (20.10) has it in itself; newer ones have it as buildx, which may not be installed."""
    version = _run(client, "version", "--format", "{{.Client.Version}}").stdout
    return int(version.partition(".")[0] or 0) < 23 or _run(client, "buildx", "version").returncode == 0


def _pip_settings() -> dict[str, str]:
    """pip's settings as they are here, whether from a file or the environment; the environment wins."""
    listed = _run(sys.executable, "-m", "pip", "config", "list").stdout
    found = re.findall(r"^(global|install|:env:)\.([a-z-]+)='(.*)'$", listed, re.MULTILINE)
    return {name: value for source in ("global", "install", ":env:") for group, name, value in found if group == source}


def pip_configuration(settings: Mapping[str, str]) -> str:
    """What of pip's settings holds in a container too: no path of this machine."""
    parser = configparser.ConfigParser(interpolation=None)
    parser["global"] = {}
    for name in _OF_PIP:
        # Line breaks are between several, and `pip config list` shows them as two letters.
        values = [one for one in re.split(r"\s+|\\n", settings.get(name, "")) if one and not one.startswith("file:")]
        if values:
            parser["global"][name] = "\n".join(values)
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def lay_wheels(settings: Mapping[str, str], folder: Path) -> list[str]:
    """Copy torch's wheel for processors to a folder where pip's find-links has one, and return its name."""
    version = re.search(r"'torch==([^']+)'", (ROOT / "images" / "install.sh").read_text(encoding="utf-8"))
    if version is None:
        raise NotBuiltError("images/install.sh pins no torch")
    laid = []
    for place in re.split(r"\s+|\\n", settings.get("find-links", "")):
        for wheel in sorted(Path(place).glob(f"torch-{version[1]}+cpu-*.whl")) if place else []:
            if not (folder / wheel.name).is_file():
                _lay(wheel, folder / wheel.name)
            laid.append(wheel.name)
    return laid


def _lay(wheel: Path, place: Path) -> None:
    """Hundreds of megabytes: as another name of the same file, where both are on one disk."""
    try:
        place.hardlink_to(wheel.resolve())
    except OSError:
        shutil.copy(wheel, place)


def _commit() -> str:
    """The clone's; empty where files differ from it, since an image must not claim what it does not hold."""
    if _run("git", "-C", str(ROOT), "status", "--porcelain").stdout.strip():
        return ""
    return _run("git", "-C", str(ROOT), "rev-parse", "HEAD").stdout.strip()


def version() -> str:
    """The distribution's, which tags the images."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def _secrets(settings: Mapping[str, str], folder: Path) -> list[str]:
    (folder / "pip.conf").write_text(pip_configuration(settings), encoding="utf-8")
    options = ["--secret", f"id=pip.conf,src={folder / 'pip.conf'}"]
    authority = settings.get("cert", "")
    return [*options, "--secret", f"id=ca.pem,src={authority}"] if authority and Path(authority).is_file() else options


def build(engine: Engine, names: Sequence[str]) -> None:
    """Build the images side by side, and print a line for each; what they have in common, the engine builds once.

    Raises:
        NotBuiltError: One could not be built.
    """
    settings, commit = _pip_settings(), _commit()
    given = [f"--build-arg={name}={os.environ[name]}" for name in ARGUMENTS if os.environ.get(name)]
    given += [f"--build-arg=SILENCIO_CODE_VERSION={commit}", "--network", engine.network]
    if not commit:
        print("files differ from the commit: these images name none")
    if "train" in names:
        lay_wheels(settings, ROOT / "images" / "wheels")
    with tempfile.TemporaryDirectory(prefix="silencio-images-") as folder, ThreadPoolExecutor(len(names)) as threads:
        given += _secrets(settings, Path(folder))
        failed = [line for line in threads.map(lambda name: _built(engine, name, given), names) if line]
    if failed:
        raise NotBuiltError("; ".join(failed))


def _built(engine: Engine, name: str, given: Sequence[str]) -> str:
    """Build one, and show what the engine says of it; returns why it was not built."""
    tag, began_s = f"silencio/{name}:{version()}", time.monotonic()
    target, arguments = IMAGES[name]
    given = [*given, *(f"--build-arg={argument}={value}" for argument, value in arguments.items())]
    command = [engine.client, "build", "--file", "images/Containerfile", "--target", target, "--tag", tag, *given, "."]
    environment = os.environ | {"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as docker:
        for line in docker.stdout or ():
            if line.strip():
                print(f"{name:<11} {line.rstrip()}", flush=True)
    if docker.returncode != 0:
        return f"{tag} was not built: docker ended with {docker.returncode}, its words are above"
    _report(engine, name, tag, time.monotonic() - began_s)
    return ""


def _report(engine: Engine, name: str, tag: str, took_s: float) -> None:
    (image,) = json.loads(engine.output("image", "inspect", tag))
    print(f"{tag}: {image['Size'] / _MB:.0f} MB, {took_s:.0f} s, {image['Architecture']}", flush=True)
    if name in _SERVING and image["Size"] > MAX_SERVING_BYTES:
        print(f"more than {MAX_SERVING_BYTES / _MB:.0f} MB; the {_N_LISTED} largest parts:")
        inside = ["run", "--rm", "--network", "none", "--entrypoint", "sh", tag, "-c", _LARGEST.format(n=_N_LISTED)]
        for line in engine.output(*inside).splitlines():
            n_kib, path = line.split(maxsplit=1)
            print(f"  {int(n_kib) * 1024 / _MB:6.0f} MB  {path}")


@command
def main() -> None:
    """Build the images that are named, or all that everybody needs."""
    names = sys.argv[1:] or [name for name in IMAGES if name not in _BY_NAME_ALONE]
    if unknown := sorted(set(names) - set(IMAGES)):
        raise NotBuiltError(f"{unknown[0]!r} is no image: {', '.join(IMAGES)}")
    build(Engine.found(), names)


if __name__ == "__main__":
    exit_with(main)
