"""Files that end before their recording does."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest

from silencio.audio import decode
from silencio.audio.truncation import truncation

Encode = Callable[..., bytes]


def _noise(duration_s: float) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(round(duration_s * 32000))).astype(np.float32)


@pytest.mark.parametrize("container", ["OGG", "WAV", "FLAC", "MP3"])
@pytest.mark.parametrize("duration_s", [0.01, 1.0, 20.0])
def test_truncation__a_whole_file_has_none(encode: Encode, container: str, duration_s: float) -> None:
    assert truncation(encode(_noise(duration_s), 32000, container)) is None


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("container", ["OGG", "WAV", "MP3"])
def test_truncation__half_a_file_decodes_and_is_found(encode: Encode, container: str, share: float) -> None:
    whole = encode(_noise(20.0), 32000, container)
    half = whole[: int(share * len(whole))]
    assert decode(half).duration_s < 20.0
    assert truncation(half) is not None


def test_truncation__cut_between_two_pages_is_found(encode: Encode) -> None:
    # Every page that is left is whole: only the mark of the end is missing.
    whole = encode(_noise(20.0), 32000, "OGG")
    half = whole[: whole.rfind(b"OggS")]
    assert truncation(half) == "the last Ogg page does not end the stream"


def test_truncation__four_letters_in_the_sound_are_no_page(encode: Encode) -> None:
    whole = encode(_noise(1.0), 32000, "OGG")
    assert truncation(whole[:-40] + b"OggS" + b"\xff" * 36) is None


def test_truncation__opus_ends_its_stream_too(encode: Encode) -> None:
    whole = encode(np.resize(_noise(5.0), 240_000), 48000, "OGG", "OPUS")
    assert truncation(whole) is None
    assert truncation(whole[: len(whole) // 2]) is not None


@pytest.mark.parametrize("size_bytes", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_truncation__a_recorder_that_did_not_know_the_length_is_believed(encode: Encode, size_bytes: int) -> None:
    whole = encode(_noise(1.0), 32000, "WAV")
    at = whole.index(b"data") + 4
    assert truncation(whole[:at] + struct.pack("<I", size_bytes) + whole[at + 4 :]) is None


def test_truncation__chunks_before_the_sound_are_passed_over(encode: Encode) -> None:
    whole = encode(_noise(1.0), 32000, "WAV")
    extra = b"LIST" + struct.pack("<I", 5) + b"INFOx" + b"\0"  # odd, and so padded
    at = whole.index(b"data")
    assert truncation(whole[:at] + extra + whole[at:]) is None
    assert "bytes of samples are there" in str(truncation((whole[:at] + extra + whole[at:])[:-100]))


@pytest.mark.parametrize("encoded", [b"", b"OggS", b"RIFF", b"RIFF\0\0\0\0WAVE", b"fLaC", b"x" * 100])
def test_truncation__of_what_is_no_audio_says_something_or_nothing_but_does_not_break(encoded: bytes) -> None:
    truncation(encoded)


def test_truncation__an_mp3_behind_a_tag(encode: Encode) -> None:
    whole = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128) + encode(_noise(5.0), 32000, "MP3")
    assert truncation(whole) is None
    assert truncation(whole[: len(whole) // 2]) is not None
    assert truncation(whole[:12]) is None
