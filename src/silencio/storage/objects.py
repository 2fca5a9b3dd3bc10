"""Read, list and write whatever a URI names."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from silencio.errors import StorageError
from silencio.storage import archive, s3
from silencio.storage.atomic import whole_folder, write_atomically
from silencio.storage.places import is_s3, is_zip, join


@dataclass(frozen=True)
class StoredObject:
    """One file of a listing.

    Attributes:
        uri: By which it is read.
        size_bytes: As stored.
        version: Another content, another text: the ETag in S3, the CRC in a zip, the time of change in a folder.
    """

    uri: str
    size_bytes: int
    version: str


def read_bytes(uri: str | Path) -> bytes:
    """The content of a file.

    Raises:
        StorageError: It cannot be read; `is_missing` and `concerns_one_file` tell why.
    """
    uri = str(uri)
    if is_s3(uri):
        return s3.read_object(uri)
    if is_zip(uri):
        return archive.read_member(uri)
    try:
        return Path(uri).read_bytes()
    except FileNotFoundError as error:
        raise StorageError(f"{uri} is missing") from error
    except OSError as error:
        raise StorageError(f"{uri} cannot be read: {error.strerror or error}") from error


@contextmanager
def as_local_file(uri: str, folder: Path) -> Iterator[Path]:
    """The file itself, or a copy of it that is gone afterwards; neither is held in memory.

    Args:
        uri: Of one file.
        folder: Where a copy may be.

    Raises:
        StorageError: As `read_bytes`, except that a file of this machine is only looked for.
    """
    if not is_s3(uri) and not is_zip(uri):
        path = Path(uri)
        try:
            path.stat()
        except FileNotFoundError as error:
            raise StorageError(f"{uri} is missing") from error
        except OSError as error:
            raise StorageError(f"{uri} cannot be read: {error.strerror or error}") from error
        yield path
        return
    with tempfile.TemporaryDirectory(dir=folder) as own:
        # Its name may be longer than a file system takes.
        copy = Path(own) / "recording"
        if is_s3(uri):
            s3.fetch_object(uri, copy)
        else:
            archive.fetch_member(uri, copy)
        yield copy


def is_missing(error: StorageError) -> bool:
    """Whether what could not be read is not there."""
    return isinstance(error.__cause__, FileNotFoundError)


def concerns_one_file(error: StorageError) -> bool:
    """Whether the trouble is that file's alone; otherwise no other file of the same place can be read either."""
    return isinstance(error.__cause__, OSError)


def exists(uri: str) -> bool:
    """Whether there is a file (not a folder) of this name.

    Raises:
        StorageError: The place does not answer.
    """
    if is_s3(uri):
        return s3.object_exists(uri)
    if is_zip(uri):
        return archive.member_exists(uri)
    return Path(uri).is_file()


def list_objects(uri: str | Path) -> list[StoredObject]:
    """Every file below a folder, a prefix or a zip, at any depth, sorted by URI.

    Raises:
        StorageError: The folder is not there, or the place does not answer; an S3 prefix without objects is empty.
    """
    uri = str(uri)
    if is_s3(uri):
        bucket = uri.removeprefix("s3://").partition("/")[0]
        found = [
            StoredObject(f"s3://{bucket}/{one.object_name}", one.size or 0, one.etag or "")
            for one in s3.objects_below(uri)
        ]
    elif is_zip(uri):
        root = uri.partition("!")[0] + "!"
        found = [
            StoredObject(f"{root}/{name}", info.file_size, f"{info.CRC:08x}") for name, info in archive.members(uri)
        ]
    else:
        found = list(_files_below(Path(uri)))
    return sorted(found, key=lambda one: one.uri)


def write_bytes(uri: str | Path, content: bytes | Path) -> None:
    """Write a file whole or not at all, to a folder or to S3.

    Args:
        uri: Where to.
        content: The bytes, or a file of this machine that has them and may be larger than memory.

    Raises:
        StorageError: It cannot be written.
    """
    uri = str(uri)
    if is_s3(uri):
        s3.write_object(uri, content)
        return
    _refuse_zip(uri)
    write_atomically(uri, content)


def upload_folder(directory: Path, uri: str) -> int:
    """Copy a folder's files to a folder (which appears whole) or below a prefix (object by object).

    Returns:
        How many there were.

    Raises:
        StorageError: One cannot be read or written.
    """
    files = list_objects(directory)
    if is_s3(uri):
        for file in files:
            try:
                s3.write_object(join(uri, _relative(file.uri, str(directory))), Path(file.uri))
            except OSError as error:
                raise StorageError(f"{file.uri} cannot be read: {error.strerror or error}") from error
        return len(files)
    _refuse_zip(uri)
    return download_folder(str(directory), Path(uri))


def download_folder(uri: str, directory: Path) -> int:
    """Copy everything below a place into a folder, which appears whole or not at all.

    Returns:
        How many files there were.

    Raises:
        StorageError: One cannot be read or written, or its name leads out of the folder.
    """
    files = list_objects(uri)
    if not files:
        raise StorageError(f"{uri} holds no files")
    with whole_folder(directory) as fresh:
        for file in files:
            target = fresh / _relative(file.uri, uri)
            target.parent.mkdir(parents=True, exist_ok=True)
            if is_s3(uri):
                s3.fetch_object(file.uri, target)
            elif is_zip(uri):
                target.write_bytes(archive.read_member(file.uri))
            else:
                shutil.copyfile(file.uri, target)
    return len(files)


def _relative(uri: str, root: str) -> str:
    name = uri.removeprefix(root.rstrip("/")).lstrip("/")
    if ".." in PurePosixPath(name).parts:
        raise StorageError(f"{uri} leads out of its folder: it is not taken")
    return name


def _refuse_zip(uri: str) -> None:
    if is_zip(uri):
        raise StorageError(f"{uri} cannot be written: zip files are only read")


def _files_below(root: Path) -> Iterator[StoredObject]:
    def fail(error: OSError) -> None:
        raise StorageError(f"{error.filename} cannot be listed: {error.strerror or error}") from error

    for folder, subfolders, names in os.walk(root, onerror=fail, followlinks=True):
        # Class folders often are links; a link back to a folder above would never end.
        here = Path(folder).resolve()
        above = {here, *here.parents}
        subfolders[:] = [name for name in subfolders if (here / name).resolve() not in above]
        for name in names:
            path = Path(folder) / name
            try:
                facts = path.stat()
            except OSError:
                continue  # a link to nowhere, or deleted this moment: there is nothing to list
            yield StoredObject(str(path), facts.st_size, str(facts.st_mtime_ns))
