"""Names of a zip's members as whoever made it meant them, with the separators and encodings of older tools."""

from __future__ import annotations

import contextlib
import struct
import zipfile
import zlib

_IS_UTF8 = 0x800
_UNICODE_PATH = 0x7075  # Info-ZIP: the name in UTF-8, with the checksum of the other one
_DOS = 0
# What zips without a mark are written in: Windows' own tool in the code page of DOS, others in that of Windows.
_DOS_FIRST, _WINDOWS_FIRST = ("cp850", "cp437", "cp1252"), ("cp1252", "cp850", "cp437")
_RARE = frozenset("þÞðÐµıƒªº")
_VOWELS = frozenset("aeiouyäöüáéíóúAEIOUYÄÖÜ")


def member_names(info: zipfile.ZipInfo) -> list[str]:
    """The name of a member, the most plausible one first, then every other that its bytes may mean.

    Folders are separated by `/`, as the zip format demands and older tools of Windows do not keep.
    """
    if info.flag_bits & _IS_UTF8:
        return [_path(info.orig_filename)]
    raw = info.orig_filename.encode("cp437")  # as which zipfile read them
    if raw.isascii():
        return [_path(info.orig_filename)]
    return list(dict.fromkeys(map(_path, _readings(raw, info))))


def _path(name: str) -> str:
    return name.partition("\0")[0].replace("\\", "/").removeprefix("./").lstrip("/")


def _readings(raw: bytes, info: zipfile.ZipInfo) -> list[str]:
    found = []
    order = _DOS_FIRST if info.create_system == _DOS else _WINDOWS_FIRST
    for encoding in order:
        try:
            found.append(raw.decode(encoding))
        except UnicodeDecodeError:
            continue  # Windows-1252 has five bytes without a letter
    found.sort(key=_n_odd)
    with contextlib.suppress(UnicodeDecodeError):
        found.insert(0, raw.decode("utf-8"))  # hardly ever by chance
    unicode_name = _unicode_path(raw, info.extra)
    return [unicode_name, *found] if unicode_name else found


def _n_odd(name: str) -> int:
    """How many letters of a name no language would have there."""
    pairs = list(zip(f" {name}", name, strict=False))
    return sum(
        not letter.isalpha()
        or letter in _RARE
        or (letter.isupper() and before.islower())
        or (letter == "ß" and before not in _VOWELS)
        for before, letter in pairs
        if not letter.isascii()
    )


def _unicode_path(raw: bytes, extra: bytes) -> str:
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(field) > 5 and struct.unpack_from("<L", field, 1)[0] == zlib.crc32(raw):
            return field[5:].decode("utf-8", errors="replace")
    return ""
