"""The programs of this environment, as a reader can type them: no other on their machine has what they need."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path


def python(folder: Path | None = None) -> str:
    """The interpreter, quoted for a POSIX shell.

    Args:
        folder: Folder in which the command is typed; None: the working folder. What lies below it is named from there
            on.
    """
    return _typed(Path(sys.executable), folder)


def silencio(folder: Path | None = None) -> str:
    """The command `silencio`, quoted for a POSIX shell.

    Args:
        folder: As in `python`.
    """
    return script("silencio", folder)


def script(name: str, folder: Path | None = None) -> str:
    """A program of an installed distribution, such as `mlflow`, quoted for a POSIX shell.

    Args:
        name: That of a module that runs as well (`python -m NAME`), for where no script lies beside the interpreter.
        folder: As in `python`.
    """
    beside = Path(sys.executable).with_name(name)
    return _typed(beside, folder) if beside.is_file() else f"{python(folder)} -m {name}"


def _typed(program: Path, folder: Path | None) -> str:
    here = os.path.relpath(program, folder)
    return shlex.quote(str(program) if here.startswith(os.pardir) else here)
