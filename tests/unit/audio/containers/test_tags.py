"""Tags: where a recording begins behind what stands before it."""

from __future__ import annotations

import pytest

from silencio.audio.containers import Encoded
from silencio.audio.containers.tags import behind_tags

SOUND = b"\xff\xfb\x90\x64" + bytes(range(200))


def _id3(n_bytes: int, *, footer: bool = False) -> bytes:
    """An ID3v2.4 tag with so many bytes of content; the footer is the header once more."""
    size = bytes(n_bytes >> shift & 0x7F for shift in (21, 14, 7, 0))
    head = b"\4\0" + (b"\x10" if footer else b"\0") + size
    return b"ID3" + head + b"\xff" * n_bytes + (b"3DI" + head if footer else b"")


def _ape(n_bytes: int) -> bytes:
    """An APEv2 tag in front of a recording: a header of 32 bytes, and a size that does not count it."""
    return b"APETAGEX" + (2000).to_bytes(4, "little") + n_bytes.to_bytes(4, "little") + bytes(16) + b"\xff" * n_bytes


@pytest.mark.parametrize(
    "tags",
    [
        b"",
        # Each of the four bytes of a size counts 128 times the one behind it: a comment, a text, a picture, an album's.
        _id3(100),
        _id3(1_000),
        _id3(20_000),
        _id3(3_000_000),
        _id3(1_000, footer=True),
        b"TAG" + b"\xff" * 125,
        _ape(0),
        _ape(500),
        _id3(1_000) + _ape(500) + b"TAG" + b"\xff" * 125,
    ],
    ids=["none", "byte", "kilo", "picture", "mega", "footer", "v1", "empty ape", "ape", "all"],
)
def test_behind_tags__is_where_the_recording_begins(tags: bytes) -> None:
    with Encoded(tags + SOUND) as encoded:
        assert behind_tags(encoded, 0) == len(tags)


@pytest.mark.parametrize("place", range(4))
def test_behind_tags__a_size_of_eight_bits_a_byte_is_no_tag(place: int) -> None:
    # The highest bit is never set, so that no decoder takes a size for a frame of MP3.
    size = bytearray(4)
    size[place] = 0x80
    with Encoded(b"ID3\4\0\0" + bytes(size) + SOUND) as encoded:
        assert behind_tags(encoded, 0) == 0


@pytest.mark.parametrize("tag", [_id3(100)[:9], _ape(500)[:31], b"APETAGE", b"TA"])
def test_behind_tags__a_head_that_is_cut_is_no_tag(tag: bytes) -> None:
    with Encoded(tag) as encoded:
        assert behind_tags(encoded, 0) == 0


def test_behind_tags__ends_with_the_file() -> None:
    with Encoded(_id3(1_000)[:500]) as encoded:
        assert behind_tags(encoded, 0) == 500
