"""What a finished step depends on beside its arguments: code, libraries, recordings, and files that are named.

A step is taken up by a later start only if all of it is the same; see `pipelines.resume`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import components
import silencio
from silencio.errors import SilencioError
from silencio.registry.settings import Tracking
from silencio.storage import StoredObject, is_local, is_s3, list_objects, local_path, read_bytes

if TYPE_CHECKING:
    from silencio.config import RunConfig

_TABLES = (".csv", ".parquet")
_LONGEST_PATH = 1024


def code_digest() -> str:
    """Of every file of the library and the components that run here."""
    digest = hashlib.sha256()
    for package in (silencio, components):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def environment_digest() -> str:
    """Of the interpreter, the machine's architecture, and name and version of every installed distribution."""
    folders = (Path(entry) for entry in sys.path if entry)
    installed = {path.name for folder in folders if folder.is_dir() for path in folder.glob("*.dist-info")}
    return _digest([sys.version, platform.machine(), *sorted(installed)])


def local_image() -> str:
    """Stands for an image's digest where steps run without one: the code and the libraries that they run with."""
    return f"silencio/train:local-{_digest([code_digest(), environment_digest()])[:12]}"


def run_identity(image: str, config: RunConfig) -> str:
    """What all steps of a run have in common.

    Args:
        image: As `local_image`.
        config: Files that it names (pretrained weights) count with size and time of change.

    Raises:
        ConfigError: The environment names no usable tracking server.
    """
    tracking = Tracking()
    # A run's id means nothing to another server; recordings are named by where they are.
    places = [tracking.uri, tracking.experiment]
    places += [os.environ.get(name, "") for name in ("SILENCIO_S3_ENDPOINT", "SILENCIO_CACHE")]
    named = sorted(text for text in _texts(config.model_dump(mode="json")) if _is_path(text) and Path(text).is_file())
    return _digest([image, *places, *(_facts(Path(text)) for text in named)])


def place_version(text: str, apart_from: Path | None = None) -> str:
    """Of what an argument names, hashed: names, sizes, and times of change (folders and zip files) or ETags (S3).

    No recording is opened; a manifest is read, since its rows name files anywhere.

    Args:
        text: An absolute path or an S3 place, such as `--data` takes.
        apart_from: A folder whose files do not count: the run's own, where it lies inside the recordings'.

    Returns:
        Twelve digits that change with any file added, removed or written; "" where the text names nothing.

    Raises:
        StorageError: S3 does not answer.
    """
    if not is_s3(text) and not (text.startswith("/") and _is_path(text) and local_path(text).exists()):
        return ""
    return _digest(_listing(text, apart_from))[:12]


def _listing(place: str, apart_from: Path | None) -> Iterator[str]:
    path = local_path(place)
    if place.endswith(_TABLES):
        yield from _manifest(place)
    elif is_s3(place):
        yield from _lines(list_objects(place))
    elif path.is_dir():
        found = list_objects(place)
        yield from _lines(one for one in found if not apart_from or not Path(one.uri).is_relative_to(apart_from))
    else:
        yield _facts(path)


def _manifest(uri: str) -> Iterator[str]:
    # What it needs takes seconds to import, and most sources are no manifest.
    from silencio.data.manifest import read_manifest

    try:
        yield hashlib.sha256(read_bytes(uri)).hexdigest()
        paths = {str(path) for path in read_manifest(uri).recordings["path"]}
    except SilencioError:
        return  # another table, or a broken one: the step that reads it says what is wrong
    local = {path for path in paths if is_local(path)} | {_zip_of(path) for path in paths if path.startswith("zip://")}
    yield from (_facts(Path(path)) for path in sorted(local) if Path(path).is_file())
    for _, group in groupby(sorted(path for path in paths if is_s3(path)), key=lambda path: path.split("/")[2]):
        named = list(group)
        # One listing below what they have in common, instead of a question for each object.
        common = os.path.commonprefix(named).rpartition("/")[0]  # noqa: RUF071  # commonpath would take s3:// apart
        yield from _lines(one for one in list_objects(common) if one.uri in paths)


def _zip_of(uri: str) -> str:
    return uri.removeprefix("zip://").partition("!/")[0]


def _lines(found: Iterable[StoredObject]) -> Iterator[str]:
    return (f"{one.uri} {one.size_bytes} {one.version}" for one in found)


def _facts(path: Path) -> str:
    found = path.stat()
    return f"{path.resolve()} {found.st_size} {found.st_mtime_ns}"


def _is_path(text: str) -> bool:
    return 0 < len(text) < _LONGEST_PATH and "\n" not in text and "\0" not in text


def _texts(values: Any) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, dict | list | tuple):
        for value in values.values() if isinstance(values, dict) else values:
            yield from _texts(value)


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\0")
    return digest.hexdigest()
