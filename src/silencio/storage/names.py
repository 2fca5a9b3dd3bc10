"""Names of files that are no text, and names that are too long for a folder.

On Linux a name is bytes, and old disks hold names in Latin-1. Python keeps such a byte as a lone surrogate, which no
JSON, Parquet, CSV, HTML or terminal takes. So a URI never holds one: the byte is written as in the URIs of browsers
(`caf%E9.ogg`), the same everywhere, and `local_path` finds the file again.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

# What a folder takes for one name, in bytes, on all file systems that are common.
MAX_NAME_BYTES = 255
_BYTE = re.compile("[\udc80-\udcff]")
_ESCAPED = re.compile("%([89A-F][0-9A-F])")
# As `surrogateescape` keeps a byte.
_SURROGATES = 0xDC00
_DIGEST_CHARACTERS = 16


def escaped(name: str) -> str:
    """The name as text: bytes that are not UTF-8 as `%E9`."""
    text = _BYTE.sub(lambda match: f"%{ord(match[0]) - _SURROGATES:02X}", name)
    return text.encode("utf-8", "replace").decode()  # surrogates that stand for no byte


def local_path(uri: str | Path) -> Path:
    """The file or folder that a URI of this machine names; what is not there is named as it stands.

    Args:
        uri: A path, in which bytes that are not UTF-8 may be escaped. A name that really is spelled so comes first.
    """
    path = Path(uri)
    if "%" not in str(path) or os.path.lexists(path):
        return path
    # Name by name: beside a folder whose bytes were escaped, a file may really be spelled so.
    found = Path(path.parts[0])
    for part in path.parts[1:]:
        raw = _ESCAPED.sub(lambda match: chr(_SURROGATES + int(match[1], 16)), part)
        found /= part if os.path.lexists(found / part) or not os.path.lexists(found / raw) else raw
    return found if os.path.lexists(found) else path


def short_name(name: str, suffix: str = "", max_bytes: int = MAX_NAME_BYTES) -> str:
    """A name and its suffix; where they are too long for a folder, the name's begin and a digest of it.

    Args:
        name: Name without `suffix`.
        suffix: Kept as it stands.
        max_bytes: Size limit of the whole.
    """
    if len(_bytes(name + suffix)) <= max_bytes:
        return name + suffix
    rest = f"~{hashlib.sha256(_bytes(name)).hexdigest()[:_DIGEST_CHARACTERS]}{suffix}"
    return _bytes(name)[: max_bytes - len(_bytes(rest))].decode("utf-8", "ignore") + rest


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
