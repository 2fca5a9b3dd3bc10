"""Read, list and write whatever a URI names."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from silencio.errors import StorageError
from silencio.storage import s3, zip_files
from silencio.storage.atomic import whole_folder, write_atomically
from silencio.storage.names import escaped, local_path
from silencio.storage.uris import is_s3, is_zip, join

# Too long; characters of which the file system has none (`?` on a stick, bytes that are not UTF-8); a file where a
# folder is needed, and the other way round.
_REFUSED_NAMES = (
    errno.ENAMETOOLONG,
    errno.EILSEQ,
    errno.EINVAL,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
)


@dataclass(frozen=True)
class StoredObject:
    """One file of a listing.

    Attributes:
        uri: URI by which it is read.
        size_bytes: Bytes that are stored.
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
        return zip_files.read_member(uri)
    try:
        return local_path(uri).read_bytes()
    except FileNotFoundError as error:
        raise StorageError(f"{uri} is missing") from error
    except OSError as error:
        raise StorageError(f"{uri} cannot be read: {error.strerror or error}") from error


@contextmanager
def as_local_file(uri: str, folder: Path) -> Iterator[Path]:
    """The file itself, or a copy of it that is gone afterwards; neither is held in memory.

    Args:
        uri: URI of one file.
        folder: Folder that a copy may lie in.

    Raises:
        StorageError: As `read_bytes`, except that a file of this machine is only looked for.
    """
    if not is_s3(uri) and not is_zip(uri):
        path = local_path(uri)
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
            zip_files.fetch_member(uri, copy)
        yield copy


def is_missing(error: StorageError) -> bool:
    """Whether what could not be read is not there."""
    return isinstance(error.__cause__, FileNotFoundError)


def concerns_one_file(error: StorageError) -> bool:
    """Whether the trouble is that file's alone; otherwise no other file of the same place can be read either."""
    return isinstance(error.__cause__, OSError)


def is_refused_name(error: StorageError) -> bool:
    """Whether a file could not be written for its name, which the file system does not take; others may be written."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _REFUSED_NAMES


def exists(uri: str) -> bool:
    """Whether there is a file (not a folder) of this name.

    Raises:
        StorageError: The place does not answer.
    """
    if is_s3(uri):
        return s3.object_exists(uri)
    if is_zip(uri):
        return zip_files.member_exists(uri)
    return local_path(uri).is_file()


def list_objects(uri: str | Path, on_closed: Callable[[str, StorageError], None] | None = None) -> list[StoredObject]:
    """Every file below a folder, a prefix or a zip, at any depth, sorted by URI.

    A name that is not UTF-8 is listed as text (`silencio.storage.names`), by which it is read as well.

    Args:
        uri: The folder, prefix or zip.
        on_closed: Told of each folder below it that cannot be listed (`lost+found` of a disk), by URI; the others are
            listed. Without it such a folder is an error.

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
            StoredObject(f"{root}/{name}", info.file_size, f"{info.CRC:08x}") for name, info in zip_files.members(uri)
        ]
    else:
        found = list(_files_below(Path(uri), on_closed))
    return sorted(found, key=lambda one: one.uri)


def list_folders(uri: str | Path) -> list[str]:
    """The names of the folders right below a folder, a prefix or a zip, sorted; what is in them is not listed.

    Args:
        uri: The folder, prefix or zip.

    Raises:
        StorageError: The folder is not there, or the place does not answer; an S3 prefix without objects is empty.
    """
    uri = str(uri)
    if is_s3(uri):
        return sorted(s3.folders_below(uri))
    if is_zip(uri):
        return zip_files.folders(uri)
    try:
        with os.scandir(local_path(uri)) as entries:
            return sorted(escaped(entry.name) for entry in entries if entry.is_dir())
    except OSError as error:
        raise StorageError(f"{uri} cannot be listed: {error.strerror or error}") from error


def write_bytes(uri: str | Path, content: bytes | Path) -> None:
    """Write a file whole or not at all, to a folder or to S3.

    Args:
        uri: URI to write to.
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
                s3.write_object(join(uri, _relative(file.uri, str(directory))), local_path(file.uri))
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
                zip_files.fetch_member(file.uri, target)
            else:
                shutil.copyfile(local_path(file.uri), target)
    return len(files)


def _relative(uri: str, root: str) -> str:
    name = uri.removeprefix(root.rstrip("/")).lstrip("/")
    if ".." in PurePosixPath(name).parts:
        raise StorageError(f"{uri} leads out of its folder: it is not taken")
    return name


def _refuse_zip(uri: str) -> None:
    if is_zip(uri):
        raise StorageError(f"{uri} cannot be written: zip files are only read")


def _files_below(root: Path, on_closed: Callable[[str, StorageError], None] | None) -> Iterator[StoredObject]:
    place = local_path(root)

    def fail(error: OSError) -> None:
        trouble = StorageError(f"{escaped(error.filename)} cannot be listed: {error.strerror or error}")
        below = Path(error.filename).relative_to(place)
        if on_closed is None or below == Path():
            raise trouble from error
        trouble.__cause__ = error
        on_closed(str(root / escaped(str(below))), trouble)

    for folder, subfolders, names in os.walk(place, onerror=fail, followlinks=True):
        # Class folders often are links; a link back to a folder above would never end.
        here = Path(folder).resolve()
        above = {here, *here.parents}
        subfolders[:] = [name for name in subfolders if (here / name).resolve() not in above]
        # The root as it was given: names are cut off behind it.
        listed_as = root / escaped(str(Path(folder).relative_to(place)))
        for name in names:
            text = escaped(name)
            try:
                facts = (Path(folder) / name).stat()
            except OSError:
                continue  # a link to nowhere, or deleted this moment: there is nothing to list
            yield StoredObject(str(listed_as / text), facts.st_size, str(facts.st_mtime_ns))
