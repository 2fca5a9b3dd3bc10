"""The arithmetic of URIs. An S3 key is taken as it stands: nothing is decoded, `#` and `?` are letters."""

from __future__ import annotations

from pathlib import Path

from silencio.errors import StorageError
from silencio.storage.names import escaped, local_path

_S3, _ZIP, _INSIDE = "s3://", "zip://", "!/"


def is_s3(uri: str) -> bool:
    """Whether it names an object or a prefix in S3."""
    return uri.startswith(_S3)


def is_zip(uri: str) -> bool:
    """Whether it names a file or a folder inside a zip."""
    return uri.startswith(_ZIP)


def is_local(uri: str) -> bool:
    """Whether it is a path of this machine."""
    return not is_s3(uri) and not is_zip(uri)


def join(uri: str, *parts: str) -> str:
    """A place below another one: `join("s3://bucket/a", "b", "c.ogg")` is `s3://bucket/a/b/c.ogg`."""
    below = "/".join(part.strip("/") for part in parts if part.strip("/"))
    return f"{uri.rstrip('/')}/{below}" if below else uri


def name_of(uri: str) -> str:
    """The last part: `c.ogg`."""
    return uri.rstrip("/").rsplit("/", 1)[-1]


def split_s3(uri: str) -> tuple[str, str]:
    """Bucket and key; the key of a whole bucket is empty.

    Raises:
        StorageError: No bucket is named.
    """
    bucket, _, key = uri.removeprefix(_S3).partition("/")
    if not bucket:
        raise StorageError(f"{uri!r} names no bucket: an S3 place looks like s3://bucket/folder")
    return bucket, key


def zip_root(path: Path) -> str:
    """The folder that a zip file is."""
    return f"{_ZIP}{escaped(str(path.resolve()))}!"


def split_zip(uri: str) -> tuple[Path, str]:
    """Zip file and member; the member of a whole zip is empty."""
    path, _, member = uri.removeprefix(_ZIP).removesuffix("!").partition(_INSIDE)
    return local_path(path), member
