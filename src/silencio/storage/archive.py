"""Zip files, read in place: Kaggle's download need not be unpacked, and nothing of it is ever written anywhere."""

from __future__ import annotations

import errno
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from silencio.errors import StorageError
from silencio.storage.places import split_zip

_COPIED_BYTES = 1 << 20


def read_member(uri: str) -> bytes:
    """The content of one file inside a zip.

    Raises:
        StorageError: The zip or the file in it cannot be read.
    """
    path, member = split_zip(uri)
    archive = _archive(path)
    with _explained(uri):
        return archive.read(member)


def fetch_member(uri: str, path: Path) -> None:
    """Write one file inside a zip to a file, without holding it in memory.

    Raises:
        StorageError: As `read_member`.
    """
    source, member = split_zip(uri)
    archive = _archive(source)
    with _explained(uri), archive.open(member) as inside, path.open("wb") as file:
        shutil.copyfileobj(inside, file, _COPIED_BYTES)


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise StorageError(f"{uri} is missing") from FileNotFoundError(errno.ENOENT, str(error), uri)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as error:
        # RuntimeError is how zipfile says that a member is encrypted.
        raise StorageError(f"{uri} cannot be read: {error}") from OSError(errno.EIO, str(error), uri)


def members(uri: str) -> list[zipfile.ZipInfo]:
    """Every file in a zip, below the folder that the URI names.

    Raises:
        StorageError: The zip cannot be read.
    """
    path, folder = split_zip(uri)
    prefix = f"{folder.rstrip('/')}/" if folder else ""
    return [info for info in _archive(path).infolist() if not info.is_dir() and info.filename.startswith(prefix)]


def member_exists(uri: str) -> bool:
    """Whether a zip holds a file of exactly this name."""
    path, member = split_zip(uri)
    return member in _archive(path).NameToInfo


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        facts = path.stat()
        return _opened(path, facts.st_mtime_ns, facts.st_size)
    except FileNotFoundError as error:
        raise StorageError(f"{path} does not exist") from error
    except (zipfile.BadZipFile, OSError) as error:
        # Plainly, without the OSError as its cause: no file of this zip can be read.
        raise StorageError(f"{path} cannot be read as a zip ({error}): download it again") from None


@lru_cache(maxsize=4)
def _opened(path: Path, mtime_ns: int, size_bytes: int) -> zipfile.ZipFile:
    """Kept open, its list read once; `ZipFile` may be read by several threads."""
    return zipfile.ZipFile(path)
