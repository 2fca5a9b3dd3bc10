"""Weights of encoders: found in a package, a folder or the cache."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from silencio.errors import PretrainedWeightsError
from silencio.settings import Settings


@dataclass(frozen=True)
class Weights:
    """An official weights file.

    Attributes:
        file_name: Its name.
        sha256: Of its bytes; empty: it has several official forms.
        address: From where it is fetched; empty: it comes in a package.
        package: The Python package that has it, and its place inside, `package:path`.
        advice: How to get it.
    """

    file_name: str
    sha256: str
    address: str = ""
    package: str = ""
    advice: str = ""


def locate(weights: Weights, given: str) -> Path:
    """Where the official file is.

    Raises:
        PretrainedWeightsError: It is nowhere.
    """
    if given:
        if not Path(given).is_file():
            raise PretrainedWeightsError(f"weights={given!r} is not a file")
        return Path(given)
    cached = Settings().cache / "encoders" / weights.file_name
    if cached.is_file():
        return cached
    if weights.package:
        package, _, inside = weights.package.partition(":")
        found = importlib.util.find_spec(package)
        if found is not None and found.origin is not None:
            return Path(found.origin).parent / inside
    raise PretrainedWeightsError(f"{weights.file_name} is not here: {weights.advice}")


def prepared(name: str, official: Path, suffix: str, prepare: Callable[[Path, Path], None]) -> Path:
    """The file that a runtime reads, made once of the official one."""
    digest = hashlib.sha256(official.read_bytes()).hexdigest()
    path = Settings().cache / "encoders" / f"{name}-{digest[:16]}{suffix}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        prepare(official, partial)
        partial.replace(path)
    return path
