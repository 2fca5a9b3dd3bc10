"""Which version of what a run reads is there: recordings, files and folders that are named, by what lies there now."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from silencio.errors import SilencioError
from silencio.storage import StoredObject, is_by_product, is_local, is_s3, list_objects, local_path, read_bytes

# Set by a run of this machine, whose own folder may lie inside the recordings'.
RUN_FOLDER = "SILENCIO_RUN_FOLDER"
_TABLES = (".csv", ".parquet")
_MAX_PATH_LENGTH = 1024


def named_files(values: Any) -> list[str]:
    """Of the files that a configuration names (pretrained weights), each with its size and time of change.

    Args:
        values: Texts, in dicts and lists at any depth.
    """
    named = sorted({text for text in _texts(values) if _is_path(text) and _is_file(Path(text))})
    return [_facts(Path(text)) for text in named]


def named_places(values: Any) -> list[str]:
    """Of folders and S3 places that a configuration names (animals of other countries), each with its version.

    Args:
        values: Texts, in dicts and lists at any depth.

    Returns:
        What does not answer stands without a version: it is another one as soon as it does.
    """
    found = []
    for text in sorted(set(_texts(values))):
        if is_s3(text) or (text.startswith("/") and _is_path(text) and not _is_file(Path(text))):
            try:
                version = place_version(text)
            except SilencioError:
                version = ""
            found.append(f"{text} {version}")
    return found


def digest(lines: Iterable[str]) -> str:
    """SHA-256 of texts, in hexadecimal digits."""
    found = hashlib.sha256()
    for line in lines:
        found.update(line.encode() + b"\0")
    return found.hexdigest()


def place_version(text: str, apart_from: Path | None = None) -> str:
    """Of what an argument names, hashed: names, sizes, and times of change (folders and zip files) or ETags (S3).

    No recording is opened; a manifest is read, since its rows name files anywhere. A folder that cannot be listed
    counts as one, for whoever reads the place to judge. What lies there because somebody looked at the folder or a
    system keeps it (`is_by_product`), such as a Mac's `.DS_Store`, does not count: it is no recording either.

    Args:
        text: An absolute path or an S3 place, such as `--data` takes.
        apart_from: A folder whose files do not count: the run's own, where it lies inside the recordings'.

    Returns:
        Twelve digits that change with any file added, removed or written that is read; "" where the text names nothing.

    Raises:
        StorageError: S3 does not answer, or the folder itself cannot be listed.
    """
    if not is_s3(text) and not (text.startswith("/") and _is_path(text) and _is_there(local_path(text))):
        return ""
    return digest(_listing(text, apart_from))[:12]


def _listing(place: str, apart_from: Path | None) -> Iterator[str]:
    path = local_path(place)
    if place.endswith(_TABLES):
        yield from _manifest(place)
    elif is_s3(place):
        yield from _lines(one for one in list_objects(place) if _counts(place.rstrip("/"), one.uri))
    elif path.is_dir():
        closed: list[str] = []
        found = list_objects(place, lambda uri, _: closed.append(uri))
        root = str(Path(place))  # as the listing begins its names
        found = [one for one in found if not apart_from or not Path(one.uri).is_relative_to(apart_from)]
        yield from _lines(one for one in found if _counts(root, one.uri))
        yield from (f"{uri} closed" for uri in sorted(closed) if _counts(root, f"{uri}/"))
    else:
        yield _facts(path)


def _counts(root: str, uri: str) -> bool:
    # By its name below the place: whoever names a hidden folder means what is in it.
    return not is_by_product(uri.removeprefix(root).lstrip("/"))


def _manifest(uri: str) -> Iterator[str]:
    # What it needs takes seconds to import, and most sources are no manifest.
    from silencio.data.manifest import read_manifest

    try:
        yield hashlib.sha256(read_bytes(uri)).hexdigest()
        paths = {str(path) for path in read_manifest(uri).recordings["path"]}
    except SilencioError:
        return  # another table, or a broken one: the step that reads it says what is wrong
    local = {path for path in paths if is_local(path)} | {_zip_of(path) for path in paths if path.startswith("zip://")}
    yield from (_facts(Path(path)) for path in sorted(local) if _is_file(Path(path)))
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


# pathlib's raise where a folder above may not be entered, or the name is longer than a file system takes: what cannot
# be looked at is for the step that reads it to name.
def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113


def _is_path(text: str) -> bool:
    return 0 < len(text) < _MAX_PATH_LENGTH and "\n" not in text and "\0" not in text


def _texts(values: Any) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, dict | list | tuple):
        for value in values.values() if isinstance(values, dict) else values:
            yield from _texts(value)
