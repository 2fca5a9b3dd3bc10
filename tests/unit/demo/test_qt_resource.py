"""Containers are written here by hand, from Qt's description of the format, not with the reader's own constants."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection

import pytest

from silencio.demo.qt_resource import read_qt_resource
from silencio.errors import SourceError

FILES = {"animals/cat.ogg": b"meow" * 50, "animals/dog/bark.ogg": b"woof", "readme": b""}


def write_rcc(files: dict[str, bytes], version: int = 3, compressed: Collection[str] = (), flags: int = 0) -> bytes:
    """Write a container as Qt's `rcc` does: nodes breadth first, the children of a folder side by side."""
    root: dict = {}
    for path, content in files.items():
        *folders, name = path.split("/")
        folder = root
        for part in folders:
            folder = folder.setdefault(part, {})
        folder[name] = (path, content)
    nodes, names, data = [("", root)], b"", b""
    tree, position = b"", 0
    while position < len(nodes):
        name, entry = nodes[position]
        position += 1
        tree += struct.pack(">I", len(names))
        text = name.encode("utf-16-be")
        names += struct.pack(">HI", len(text) // 2, 0xABCD) + text
        if isinstance(entry, dict):
            tree += struct.pack(">HII", 2, len(entry), len(nodes))
            nodes += entry.items()
        else:
            path, content = entry
            is_small = path in compressed
            stored = struct.pack(">I", len(content)) + zlib.compress(content) if is_small else content
            tree += struct.pack(">HHHI", flags | is_small, 0, 0, len(data))
            data += struct.pack(">I", len(stored)) + stored
        tree += struct.pack(">Q", 1_700_000_000_000) if version >= 2 else b""
    header_bytes = 24 if version >= 3 else 20
    offsets = (header_bytes, header_bytes + len(tree), header_bytes + len(tree) + len(data))
    header = b"qres" + struct.pack(">4I", version, *offsets) + (bytes(4) if version >= 3 else b"")
    return header + tree + data + names


@pytest.mark.parametrize("version", [1, 2, 3])
def test_read_qt_resource__every_version(version: int) -> None:
    assert read_qt_resource(write_rcc(FILES, version)) == FILES


def test_read_qt_resource__compressed_beside_plain() -> None:
    assert read_qt_resource(write_rcc(FILES, compressed=["animals/cat.ogg"])) == FILES


def test_read_qt_resource__name_beyond_ascii() -> None:
    assert read_qt_resource(write_rcc({"bêtes/🐸.ogg": b"quak"})) == {"bêtes/🐸.ogg": b"quak"}


def test_read_qt_resource__same_name_in_two_folders() -> None:
    files = {"a/cow.ogg": b"moo", "b/cow.ogg": b"muh"}
    assert read_qt_resource(write_rcc(files)) == files


def test_read_qt_resource__folders_too_deep_for_recursion() -> None:
    path = "/".join(["d"] * 3000) + "/cow.ogg"
    assert read_qt_resource(write_rcc({path: b"moo"})) == {path: b"moo"}


@pytest.mark.parametrize("content", [b"", b"qre", b"OggS" + bytes(60), b"qres"])
def test_read_qt_resource__no_container(content: bytes) -> None:
    with pytest.raises(SourceError, match="Qt resource container"):
        read_qt_resource(content)


@pytest.mark.parametrize("version", [0, 4, 2**32 - 1])
def test_read_qt_resource__unknown_version(version: int) -> None:
    container = bytearray(write_rcc(FILES))
    container[4:8] = struct.pack(">I", version)
    with pytest.raises(SourceError, match=f"version {version}"):
        read_qt_resource(bytes(container))


def test_read_qt_resource__cut_anywhere() -> None:
    container = write_rcc(FILES, compressed=["animals/cat.ogg"])
    for n_bytes in range(len(container)):
        with pytest.raises(SourceError):
            read_qt_resource(container[:n_bytes])


def test_read_qt_resource__any_byte_changed() -> None:
    container = write_rcc(FILES, compressed=["animals/cat.ogg"])
    for position in range(len(container)):
        for value in (0x00, 0x03, 0xFF):
            broken = bytearray(container)
            broken[position] = value
            # Whatever it becomes: a dictionary or a SourceError, no other exception and no endless loop.
            try:
                assert isinstance(read_qt_resource(bytes(broken)), dict)
            except SourceError:
                continue


def test_read_qt_resource__folder_that_contains_itself() -> None:
    container = bytearray(write_rcc(FILES))
    container[24 + 6 : 24 + 14] = struct.pack(">II", 1, 0)
    with pytest.raises(SourceError, match="reached twice"):
        read_qt_resource(bytes(container))


def test_read_qt_resource__billions_of_children() -> None:
    container = bytearray(write_rcc(FILES))
    container[24 + 6 : 24 + 10] = struct.pack(">I", 2**32 - 1)
    with pytest.raises(SourceError, match="would end at byte"):
        read_qt_resource(bytes(container))


def test_read_qt_resource__decompresses_to_more_than_it_claims() -> None:
    honest = write_rcc({"a": b"x" * 1000}, compressed=["a"])
    claim = struct.pack(">I", 1000)
    assert honest.count(claim) == 1
    with pytest.raises(SourceError, match="999 bytes it claims"):
        read_qt_resource(honest.replace(claim, struct.pack(">I", 999)))


def test_read_qt_resource__claims_gigabytes() -> None:
    honest = write_rcc({"a": b"x" * 1000}, compressed=["a"])
    with pytest.raises(SourceError, match="claims 4000000000 bytes"):
        read_qt_resource(honest.replace(struct.pack(">I", 1000), struct.pack(">I", 4_000_000_000)))


def test_read_qt_resource__zstd_is_named() -> None:
    with pytest.raises(SourceError, match="zstd"):
        read_qt_resource(write_rcc({"a": b"x"}, flags=4))
