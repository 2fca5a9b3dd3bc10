"""Encoded bytes at random places, in memory or in a file that is never read whole."""

from __future__ import annotations

import bisect
import io
import itertools
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from silencio.errors import DecodeError

Piece = bytes | range
"""New bytes, or the place of a file's own."""


class Encoded:
    """A file's bytes; a context manager.

    Args:
        source: The bytes, or the file that holds them.

    Attributes:
        n_bytes: How many there are.
        failure: Why a view could not be read on, where that happened: libsndfile takes it for the end.

    Raises:
        DecodeError: The file cannot be read, or nothing is in it.
    """

    def __init__(self, source: bytes | Path) -> None:
        self._bytes = source if isinstance(source, bytes) else None
        self._file = -1
        self.failure: DecodeError | None = None
        if isinstance(source, bytes):
            self.n_bytes = len(source)
        else:
            try:
                self._file = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
                if stat.S_ISREG(os.fstat(self._file).st_mode):
                    self.n_bytes = os.lseek(self._file, 0, os.SEEK_END)
                else:
                    self._bytes = _read_all(self._file)  # a pipe has no places; a folder cannot be read
                    self.n_bytes = len(self._bytes)
            except OSError as error:
                self.close()
                raise _unreadable(error) from error
        if not self.n_bytes:
            self.close()
            raise DecodeError("the file is empty (0 bytes)", "empty")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing can be read any more."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def read(self, at: int, n_bytes: int) -> bytes:
        """Up to `n_bytes` from `at` on; fewer at the end, none beyond it.

        Raises:
            DecodeError: The disk or the share fails.
        """
        if self._bytes is not None:
            return self._bytes[at : at + n_bytes]
        try:
            return os.pread(self._file, n_bytes, at)
        except OSError as error:
            raise _unreadable(error) from error

    def view(self, pieces: Sequence[Piece]) -> io.RawIOBase | io.BytesIO:
        """Pieces one behind the other, as a file of its own."""
        if self._bytes is not None and list(pieces) == [range(self.n_bytes)]:
            return _Whole(self._bytes)
        return _View(self, pieces)


class _Whole(io.BytesIO):
    """Bytes as they stand, in C but for what a broken header makes libsndfile do."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return super().seek(offset, whence)
        except ValueError:  # before the beginning; inside libsndfile's callback it would only be printed
            return super().seek(0)


class _View(io.RawIOBase):
    def __init__(self, encoded: Encoded, pieces: Sequence[Piece]) -> None:
        super().__init__()
        self._encoded = encoded
        self._pieces = pieces
        self._ends = list(itertools.accumulate(len(piece) for piece in pieces))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._ends[-1]}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # soundfile and io give a buffer
        """Fill a buffer as far as there are bytes."""
        n_read = 0
        try:
            while n_read < len(buffer) and (part := self._read(len(buffer) - n_read)):
                buffer[n_read : n_read + len(part)] = part
                n_read += len(part)
                self._at += len(part)
        except DecodeError as error:
            # An exception inside libsndfile's callback would only be printed.
            self._encoded.failure = error
        return n_read

    def _read(self, n_bytes: int) -> bytes:
        """From one piece."""
        number = bisect.bisect_right(self._ends, self._at)
        if number == len(self._pieces):
            return b""
        piece = self._pieces[number]
        within = self._at - (self._ends[number - 1] if number else 0)
        n_bytes = min(n_bytes, len(piece) - within)
        if isinstance(piece, bytes):
            return piece[within : within + n_bytes]
        return self._encoded.read(piece[0] + within, n_bytes)


def _read_all(file: int) -> bytes:
    parts = []
    while part := os.read(file, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _unreadable(error: OSError) -> DecodeError:
    return DecodeError(f"the file cannot be read: {error.strerror or error}", "unreadable")
