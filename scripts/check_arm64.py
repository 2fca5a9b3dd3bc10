"""Whether images can be built for arm64: each pinned requirement has a wheel for it, by a hash that is pinned.

    check_arm64.py [SET ...]        sets of requirements/, by default those of predictor and monitor

Nothing is compiled to machine code where an image is built, and no wheel is fetched to find this out: uv, which is
taken from PyPI into an environment of its own, lists the files that the index has.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

from silencio.command import command, exit_with

ROOT = Path(__file__).parents[1]
SETS = ("build", "serve-cpu", "monitor")
# Pure Python, of which the index has no wheel for any machine: pip makes it of the pinned file.
_SOURCE_ALONE = frozenset({"kfp-server-api"})
PYTHON = (3, 11)
# Wheels that Debian 12 and everything newer runs.
_GLIBC_MINORS = range(28, 16, -1)


def arm64_tags(python: tuple[int, int] = PYTHON) -> frozenset[Tag]:
    """What pip on arm64 takes, of wheels for a glibc of 2.28 or older."""
    platforms = [f"manylinux_2_{minor}_aarch64" for minor in _GLIBC_MINORS] + ["manylinux2014_aarch64"]
    return frozenset([*cpython_tags(python, platforms=platforms), *compatible_tags(python, platforms=platforms)])


def pinned_hashes(requirements: str) -> dict[str, frozenset[str]]:
    """The sha256 of every file that may be installed, by the package's name."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", requirements.replace("\\\n", " "))
    named = ((re.split(r"[=\[ ]", entry, maxsplit=1)[0], entry) for entry in entries if entry.strip())
    return {str(canonicalize_name(name)): frozenset(re.findall(r"sha256:(\w{64})", entry)) for name, entry in named}


def without_wheel(pinned: Mapping[str, frozenset[str]], lock: Mapping[str, Any]) -> list[str]:
    """Packages that would have to be compiled, or taken from a file whose hash is not pinned.

    Args:
        pinned: By `pinned_hashes`.
        lock: A pylock (PEP 751) of the same packages, with the wheels that there are.
    """
    tags = arm64_tags()
    fitting = {str(canonicalize_name(one["name"])): set(_hashes(one, tags)) for one in lock["packages"]}
    return sorted(
        name for name, hashes in pinned.items() if not (name in _SOURCE_ALONE or hashes & fitting.get(name, set()))
    )


def _hashes(package: Mapping[str, Any], tags: frozenset[Tag]) -> Iterator[str]:
    for wheel in package.get("wheels", ()):
        name = wheel.get("name") or wheel["url"].rsplit("/", 1)[-1]
        if parse_wheel_filename(name)[3] & tags:
            yield wheel["hashes"]["sha256"]


def _lock(uv: Path, requirements: Path, folder: Path) -> dict[str, Any] | None:
    """Which files the index has of the pinned versions; None where one has no file at all for arm64."""
    out = folder / "pylock.toml"
    command = [uv, "pip", "compile", "--quiet", "--no-deps", "--no-header", "--no-annotate", "--format", "pylock.toml"]
    command += ["--python-version", ".".join(map(str, PYTHON)), "--python-platform", "aarch64-manylinux_2_28"]
    command += ["--output-file", out, requirements]
    if subprocess.run(command, check=False).returncode != 0:  # and uv has named the package
        return None
    return tomllib.loads(out.read_text(encoding="utf-8"))


@command
def main() -> int:
    """Returns 1 when a requirement has no wheel for arm64."""
    status = 0
    with tempfile.TemporaryDirectory(prefix="silencio-arm64-") as name:
        folder = Path(name)
        venv.create(folder / "uv", with_pip=True)
        subprocess.run([folder / "uv/bin/python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        for one in sys.argv[1:] or SETS:
            requirements = ROOT / "requirements" / f"{one}.txt"
            pinned = pinned_hashes(requirements.read_text(encoding="utf-8"))
            lock = _lock(folder / "uv/bin/uv", requirements, folder)
            if lock is None:
                print(f"{one}: cannot be installed on arm64")
                status = 1
                continue
            missing = without_wheel(pinned, lock)
            print(f"{one}: {len(pinned) - len(missing)} of {len(pinned)} can be had on arm64")
            if missing:
                print(f"  none: {', '.join(missing)}")
                status = 1
    return status


if __name__ == "__main__":
    exit_with(main)
