"""How to install what an extra names.

Never by name alone: a package called `silencio` on an index would be somebody else's. It is named by where it lies.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from silencio.errors import ConfigError

_NAME = "silencio"
# Of a clone; a library that is installed from a wheel lies somewhere else.
_TREE = Path(__file__).parents[2]
# What a clone's .venv-serving never gets, and its .venv always has.
_NOT_FOR_SERVING = {"train", "pipelines"}
# What a clone's own environments never get: `make` gives it one of its own.
_MONITOR = "monitor"
# Builds of one import package, of which an environment has one.
_BUILDS = {"onnxruntime": ("onnxruntime-gpu", "onnxruntime-openvino")}


def install_command(*extras: str) -> str:
    """A command that installs extras of this very library into this very environment.

    Args:
        extras: As pyproject.toml names them.

    Returns:
        One that works as it stands where the library came out of a clone or of a file that is still known; else one
        in which the file is left to be filled in. In a clone's .venv-serving, what trains is not installed, and in
        neither of its environments what watches: the command makes the clone's .venv or .venv-monitor, and the
        terminal's environment of it.
    """
    here = Path(sys.prefix)
    if _MONITOR in extras and here in (_TREE / ".venv", _TREE / ".venv-serving"):
        return _made_by_make(".venv-monitor")
    if _NOT_FOR_SERVING.intersection(extras) and here == _TREE / ".venv-serving":
        return _made_by_make(".venv")
    wanted = f"[{','.join(extras)}]"
    if (_TREE / "pyproject.toml").is_file():
        what = f"-e {shlex.quote(f'{_TREE}{wanted}')}"
    else:
        what = shlex.quote(f"{_NAME}{wanted} @ {_origin() or f'file:///FOLDER/{_wheel()}'}")
    return f"{shlex.quote(sys.executable)} -m pip install {what}"


def _made_by_make(environment: str) -> str:
    activate = shlex.quote(str(_TREE / environment / "bin" / "activate"))
    return f"make -C {shlex.quote(str(_TREE))} {environment}/.ready && source {activate}"


def missing_packages(*extras: str) -> list[str]:
    """What extras name and this environment has not.

    Args:
        extras: As pyproject.toml names them.

    Returns:
        Names of distributions in alphabetical order; none where this library itself was never installed.
    """
    return sorted(
        {name for name in _named(extras) if not any(_is_installed(one) for one in (name, *_BUILDS.get(name, ())))}
    )


def require(*extras: str, needed_by: str) -> None:
    """Refuse to begin what other processes would end for want of a package.

    Args:
        extras: Without any package of which it cannot go on.
        needed_by: The command, as it is typed.

    Raises:
        ConfigError: A package is missing.
    """
    if missing := missing_packages(*extras):
        raise ConfigError(
            f"{needed_by} needs packages that are not installed here ({', '.join(missing)}): {install_command(*extras)}"
        )


def _named(extras: tuple[str, ...]) -> Iterator[str]:
    from packaging.requirements import Requirement

    try:
        lines = metadata.requires(_NAME) or []
    except metadata.PackageNotFoundError:
        return
    for requirement in map(Requirement, lines):
        # An extra may hold another one of ours.
        wanted = requirement.marker is not None and any(requirement.marker.evaluate({"extra": one}) for one in extras)
        if wanted and requirement.name == _NAME:
            yield from _named(tuple(requirement.extras))
        elif wanted:
            yield requirement.name


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _origin() -> str:
    """The wheel, archive, folder or commit that pip installed, by PEP 610; empty where it is not written down."""
    try:
        text = metadata.distribution(_NAME).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return ""
    if not text:
        return ""
    origin = json.loads(text)
    url = str(origin["url"])
    # Of a repository PEP 610 keeps the bare address, which pip would take for an archive.
    if vcs := origin.get("vcs_info"):
        # pip 23 takes no `git+file:///`.
        url = f"{vcs['vcs']}+{url.replace('file:///', 'file://localhost/')}@{vcs['commit_id']}"
    return f"{url}#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else url


def _wheel() -> str:
    try:
        version = metadata.version(_NAME)
    except metadata.PackageNotFoundError:
        version = "VERSION"
    return f"{_NAME}-{version}-py3-none-any.whl"
