"""Packed bodies: unpacked whatever pieces they come in, never more than a step at once, and refused in a sentence."""

from __future__ import annotations

import gzip
import zlib

import pytest
from starlette.datastructures import Headers

from serving.server.content_coding import Unpacker, content_coding
from serving.server.errors import RefusalError

BODY = bytes(range(256)) * 40
RAW = zlib.compress(BODY, wbits=-15)


def _unpacked(coding: str, packed: bytes, n_bytes: int) -> bytes:
    unpacker = Unpacker(coding)
    parts = [part for i in range(0, len(packed), n_bytes) for part in unpacker.unpack(packed[i : i + n_bytes])]
    unpacker.finish()
    return b"".join(parts)


@pytest.mark.parametrize("n_bytes", [1, 2, 7, 1 << 20])
@pytest.mark.parametrize(
    ("coding", "packed", "body"),
    [
        ("gzip", gzip.compress(BODY), BODY),
        ("gzip", gzip.compress(BODY[:100]) + gzip.compress(b"") + gzip.compress(BODY[100:]), BODY),
        ("gzip", gzip.compress(BODY) + bytes(100), BODY),
        ("gzip", gzip.compress(b""), b""),
        ("deflate", zlib.compress(BODY), BODY),
        ("deflate", RAW, BODY),
        ("gzip", b"", b""),
        ("deflate", b"", b""),
    ],
)
def test_unpack__in_pieces_of_any_size(coding: str, packed: bytes, body: bytes, n_bytes: int) -> None:
    assert _unpacked(coding, packed, n_bytes) == body


def test_unpack__a_bomb_comes_in_steps() -> None:
    packed = zlib.compress(bytes(50 << 20))
    sizes = [len(part) for part in Unpacker("deflate").unpack(packed)]
    assert sum(sizes) == 50 << 20
    assert max(sizes) <= 1 << 20


@pytest.mark.parametrize("n_bytes", [1, 1 << 20])
@pytest.mark.parametrize(
    ("coding", "packed", "what"),
    [
        ("gzip", gzip.compress(BODY)[:-1], "end too early"),
        ("gzip", b"\x1f", "end too early"),
        ("deflate", RAW[:-1], "end too early"),
        ("deflate", b"\x78", "end too early"),
        ("gzip", b"OggS" + BODY, "are not packed that way"),
        ("gzip", gzip.compress(BODY) + b"OggS", "are not packed that way"),
        ("gzip", gzip.compress(BODY)[:-8] + bytes(8), "are not packed that way"),
        ("deflate", zlib.compress(BODY) + b"x", "go on behind their end"),
    ],
)
def test_unpack__what_is_not_packed_so(coding: str, packed: bytes, what: str, n_bytes: int) -> None:
    with pytest.raises(RefusalError, match=f"^body: Content-Encoding says {coding}, and the bytes {what}$") as caught:
        _unpacked(coding, packed, n_bytes)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("lines", "coding"),
    [
        ([], ""),
        (["identity"], ""),
        ([""], ""),
        (["gzip"], "gzip"),
        (["GZIP"], "gzip"),
        (["x-gzip"], "gzip"),
        (["identity, deflate"], "deflate"),
    ],
)
def test_coding__names(lines: list[str], coding: str) -> None:
    assert content_coding(Headers(raw=[(b"content-encoding", one.encode()) for one in lines])) == coding


@pytest.mark.parametrize(
    "lines", [["br"], ["zstd"], ["gzip, gzip"], ["gzip", "gzip"], ["deflate, br"], ["aws-chunked"]]
)
def test_coding__others_are_refused_by_name(lines: list[str]) -> None:
    with pytest.raises(RefusalError, match="packed once by gzip or deflate") as caught:
        content_coding(Headers(raw=[(b"content-encoding", one.encode()) for one in lines]))
    assert (caught.value.status, caught.value.headers) == (415, {"Accept-Encoding": "gzip, deflate"})
    assert all(name in caught.value.text for line in lines for name in line.split(", "))
