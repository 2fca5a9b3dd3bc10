"""Zip files, read in place: Kaggle's download need not be unpacked, and nothing of it is ever written anywhere.

A few kilobytes of zip can say that they are a terabyte. What a member says is its size is held against what may be held
in memory, or against what the disk has free, before a byte is unpacked, and no more than it says is ever unpacked. How
far a member is packed says nothing: a recorder whose microphone failed writes hours of zeros, which pack at 1,000 : 1.
"""

from __future__ import annotations

import errno
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from silencio.errors import StorageError
from silencio.storage.uris import split_zip
from silencio.storage.zip_names import member_names

_COPIED_BYTES = 1 << 20
# The largest file that RIFF, and with it every recorder that writes plain WAV, knows.
MAX_MEMBER_BYTES = 4 << 30


def read_member(uri: str) -> bytes:
    """The content of one file inside a zip.

    Raises:
        StorageError: The zip or the file in it cannot be read.
    """
    path, member = split_zip(uri)
    archive = _archive(path)
    with _explained(uri):
        info = archive.find(member)
        if info.file_size > MAX_MEMBER_BYTES:
            raise _too_large(
                uri,
                f"{info.file_size:,} bytes, and more than {MAX_MEMBER_BYTES:,} are not read out of a zip: unpack it",
            )
        content = archive.file.read(info)
        _require_whole(info, len(content))
        return content


def fetch_member(uri: str, path: Path) -> None:
    """Write one file inside a zip to a file, without holding it in memory.

    Raises:
        StorageError: As `read_member`.
    """
    source, member = split_zip(uri)
    archive = _archive(source)
    with _explained(uri):
        info = archive.find(member)
        n_free = shutil.disk_usage(path.parent).free
        if info.file_size > n_free:
            raise _too_large(uri, f"{info.file_size:,} bytes, and {path.parent} has {n_free:,} free: free some")
        with archive.file.open(info) as inside, path.open("wb") as file:
            shutil.copyfileobj(inside, file, _COPIED_BYTES)
            _require_whole(info, file.tell())


def _require_whole(info: zipfile.ZipInfo, n_bytes: int) -> None:
    if n_bytes != info.file_size:
        raise EOFError(f"it ends after {n_bytes:,} of {info.file_size:,} bytes")


def _too_large(uri: str, facts: str) -> StorageError:
    error = StorageError(f"{uri} is said to be {facts}")
    error.__cause__ = OSError(errno.EFBIG, facts, uri)  # this file's trouble alone
    return error


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise StorageError(f"{uri} is missing") from FileNotFoundError(errno.ENOENT, str(error), uri)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as error:
        # RuntimeError is how zipfile says that a member is encrypted.
        raise StorageError(f"{uri} cannot be read: {error}") from OSError(errno.EIO, str(error), uri)


def members(uri: str) -> list[tuple[str, zipfile.ZipInfo]]:
    """Every file in a zip below the folder that the URI names, each with its name (`silencio.storage.zip_names`).

    Raises:
        StorageError: The zip cannot be read.
    """
    path, folder = split_zip(uri)
    prefix = f"{folder.rstrip('/')}/" if folder else ""
    return [(name, info) for name, info in _archive(path).members.items() if name.startswith(prefix)]


def folders(uri: str) -> list[str]:
    """The names of the folders right below the folder that the URI names, sorted.

    Raises:
        StorageError: The zip cannot be read.
    """
    _, folder = split_zip(uri)
    n_above = len(folder.rstrip("/")) + 1 if folder else 0
    return sorted({name[n_above:].partition("/")[0] for name, _ in members(uri) if "/" in name[n_above:]})


def member_exists(uri: str) -> bool:
    """Whether a zip holds a file of this name, in one of the encodings that its bytes may mean."""
    path, member = split_zip(uri)
    archive = _archive(path)
    return member in archive.members or member in archive.other_names


@dataclass(frozen=True)
class _Archive:
    """An open zip; it may be read by several threads.

    Attributes:
        file: The zip.
        members: Its files by their name.
        other_names: Members by what else the bytes of a name may mean, where no two files share it.
    """

    file: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]
    other_names: dict[str, zipfile.ZipInfo]

    def find(self, name: str) -> zipfile.ZipInfo:
        """Raises KeyError where no file has the name."""
        return self.members[name] if name in self.members else self.other_names[name]


def _archive(path: Path) -> _Archive:
    try:
        facts = path.stat()
        return _opened(path, facts.st_mtime_ns, facts.st_size)
    except FileNotFoundError as error:
        raise StorageError(f"{path} does not exist") from error
    except (zipfile.BadZipFile, OSError, UnicodeDecodeError) as error:
        # Plainly, without the OSError as its cause: no file of this zip can be read.
        raise StorageError(f"{path} cannot be read as a zip ({error}): download it again") from None


@lru_cache(maxsize=4)
def _opened(path: Path, mtime_ns: int, size_bytes: int) -> _Archive:
    """Kept open, its list read once."""
    file = zipfile.ZipFile(path)
    names = [(member_names(info), info) for info in file.infolist() if not info.is_dir()]
    meant: dict[str, set[str]] = {}
    others: dict[str, list[zipfile.ZipInfo]] = {}
    for (first, *rest), info in names:
        meant.setdefault(first, set()).add(info.orig_filename)
        for name in rest:
            others.setdefault(name, []).append(info)
    # Two files that seem to have one name keep those that zipfile reads; the same name again is a newer content.
    members = {first if len(meant[first]) == 1 else info.orig_filename: info for (first, *_), info in names}
    members = {name: info for name, info in members.items() if name and not name.endswith("/")}
    return _Archive(file, members, {name: alike[0] for name, alike in others.items() if len(alike) == 1})
