"""Reader of Qt's binary resource containers (`.rcc`), in which GCompris keeps its sounds.

A container is big-endian: a header with the offsets of three regions, then

    tree    nodes of 14 bytes (22 from version 2 on): u32 name offset, u16 flags, then for a folder u32 number of
            children and u32 index of the first child, for a file u32 locale and u32 data offset; u64 time of change
    names   u16 length, u32 hash, UTF-16 text
    data    u32 size, bytes; a compressed file begins with u32 size before compression
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from silencio.errors import SourceError

_MAGIC = b"qres"
_VERSIONS = (1, 2, 3)
_ZLIB, _FOLDER, _ZSTD = 1, 2, 4
# No recording of the demo comes near it; a container that claims more is broken or hostile.
_MAX_FILE_BYTES = 256 * 2**20


def read_qt_resource(container: bytes) -> dict[str, bytes]:
    """Take all files out of a Qt resource container.

    Args:
        container: The bytes of an `.rcc` file, of format version 1 to 3.

    Returns:
        The content of each file by its path inside the container, without a leading slash. Of a file that is there
        for several locales the first one.

    Raises:
        SourceError: The bytes are no such container, or a broken one.
    """
    if container[:4] != _MAGIC:
        raise SourceError(f"not a Qt resource container: it begins with {container[:4]!r}, not with {_MAGIC!r}")
    reader = _Reader(container)
    version, tree, data, names = reader.integers(">4I", 4, "header")
    if version not in _VERSIONS:
        raise SourceError(f"Qt resource container of format version {version}: only 1 to 3 can be read")
    layout = _Layout(reader, tree, data, names, node_bytes=14 if version == 1 else 22)
    return layout.files()


@dataclass(frozen=True)
class _Reader:
    """Reads that cannot leave the container."""

    container: bytes

    def integers(self, form: str, offset: int, what: str) -> tuple[int, ...]:
        return struct.unpack(form, self.slice(offset, struct.calcsize(form), what))

    def slice(self, offset: int, n_bytes: int, what: str) -> bytes:
        if offset + n_bytes > len(self.container):
            raise SourceError(
                f"broken Qt resource container: its {what} would end at byte {offset + n_bytes}, "
                f"and it has {len(self.container)}"
            )
        return self.container[offset : offset + n_bytes]


@dataclass(frozen=True)
class _Layout:
    reader: _Reader
    tree: int
    data: int
    names: int
    node_bytes: int

    def files(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        seen = {0}
        # The root has no name; a stack instead of recursion, for depth comes from the file.
        pending = [(0, "")]
        while pending:
            node, path = pending.pop()
            flags, first, second = self._node(node)
            if not flags & _FOLDER:
                found.setdefault(path, self._content(second, flags, path))
                continue
            for child in reversed(range(second, second + first)):
                if child in seen:
                    raise SourceError(f"broken Qt resource container: node {child} is reached twice")
                seen.add(child)
                pending.append((child, f"{path}/{self._name(child)}".lstrip("/")))
        return found

    def _node(self, node: int) -> tuple[int, int, int]:
        offset = self.tree + node * self.node_bytes
        # The whole node, so that one cut short at the end does not pass.
        self.reader.slice(offset, self.node_bytes, f"node {node}")
        flags, first, second = self.reader.integers(">HII", offset + 4, f"node {node}")
        return flags, first, second

    def _name(self, node: int) -> str:
        (name_offset,) = self.reader.integers(">I", self.tree + node * self.node_bytes, f"node {node}")
        start = self.names + name_offset
        (length,) = self.reader.integers(">H", start, f"name of node {node}")
        text = self.reader.slice(start + 6, 2 * length, f"name of node {node}")
        try:
            return text.decode("utf-16-be")
        except UnicodeDecodeError as error:
            raise SourceError(f"broken Qt resource container: the name of node {node} is not UTF-16") from error

    def _content(self, data_offset: int, flags: int, path: str) -> bytes:
        start = self.data + data_offset
        (n_bytes,) = self.reader.integers(">I", start, f"size of {path}")
        stored = self.reader.slice(start + 4, n_bytes, f"content of {path}")
        if flags & _ZSTD:
            raise SourceError(f"{path} in the Qt resource container is compressed by zstd, which is not read here")
        return _inflate(stored, path) if flags & _ZLIB else stored


def _inflate(stored: bytes, path: str) -> bytes:
    (n_bytes,) = _Reader(stored).integers(">I", 0, f"size of {path} before compression")
    if n_bytes > _MAX_FILE_BYTES:
        raise SourceError(f"{path} in the Qt resource container claims {n_bytes} bytes, over {_MAX_FILE_BYTES}")
    try:
        # One byte more than claimed is enough to see that the claim is wrong, however far it would go on.
        content = zlib.decompressobj().decompress(stored[4:], n_bytes + 1)
    except zlib.error as error:
        raise SourceError(f"{path} in the Qt resource container does not decompress: {error}") from error
    if len(content) != n_bytes:
        raise SourceError(f"{path} in the Qt resource container does not decompress to the {n_bytes} bytes it claims")
    return content
