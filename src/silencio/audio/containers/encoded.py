"""Encoded bytes at random places, in memory or in a file that is never read whole."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from silencio.errors import DecodeError


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
                self.n_bytes = os.lseek(self._file, 0, os.SEEK_END)
                os.pread(self._file, 1, 0)  # a folder opens, and cannot be read
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

    def view(self, begin: int, end: int, prefix: bytes = b"") -> io.RawIOBase | io.BytesIO:
        """A part as a file of its own: a prefix of new bytes, and the old ones from `begin` to `end` behind it."""
        if self._bytes is not None and not prefix:
            return io.BytesIO(self._bytes if end - begin == self.n_bytes else self._bytes[begin:end])
        return _View(self, begin, end, prefix)


class _View(io.RawIOBase):
    def __init__(self, encoded: Encoded, begin: int, end: int, prefix: bytes) -> None:
        super().__init__()
        self._encoded = encoded
        self._begin = begin
        self._prefix = prefix
        self._n_bytes = len(prefix) + end - begin
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._n_bytes}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # soundfile and io give a buffer
        """Fill a buffer as far as there are bytes."""
        wanted = min(len(buffer), max(0, self._n_bytes - self._at))
        first = self._prefix[self._at : self._at + wanted]
        buffer[: len(first)] = first
        n_read = len(first)
        try:
            while n_read < wanted:
                place = self._begin + self._at + n_read - len(self._prefix)
                part = self._encoded.read(place, wanted - n_read)
                if not part:
                    break
                buffer[n_read : n_read + len(part)] = part
                n_read += len(part)
        except DecodeError as error:
            # An exception inside libsndfile's callback would only be printed.
            self._encoded.failure = error
        self._at += n_read
        return n_read


def _unreadable(error: OSError) -> DecodeError:
    return DecodeError(f"the file cannot be read: {error.strerror or error}", "unreadable")
