"""Ogg: pages are walked, a last one that is whole is an end, and streams behind streams are read on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from silencio.audio import DecodedAudio, decode
from silencio.errors import DecodeError
from tests.recorder_files import without_ogg_end

Encode = Callable[..., bytes]

RATE_HZ = 48_000
CODINGS = ["VORBIS", "OPUS"]


def _noise(seed: int, duration_s: float = 3.0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(duration_s * RATE_HZ))).astype(np.float32)


@pytest.fixture(scope="module", params=CODINGS)
def ogg(request: pytest.FixtureRequest, encode: Encode) -> bytes:
    return encode(_noise(0), RATE_HZ, "OGG", request.param)


def _kinds(audio: DecodedAudio) -> list[str]:
    return [note.kind for note in audio.notes]


def _pages(ogg: bytes) -> list[int]:
    starts, at = [], 0
    while at < len(ogg):
        starts.append(at)
        at += 27 + ogg[at + 26] + sum(ogg[at + 27 : at + 27 + ogg[at + 26]])
    return starts


def test_ogg__as_it_should_be_has_no_note(ogg: bytes) -> None:
    audio = decode(ogg)
    assert audio.duration_s == pytest.approx(3.0)
    assert not audio.notes


def test_ogg__as_a_phone_leaves_it_is_whole(ogg: bytes) -> None:
    unended = without_ogg_end(ogg)
    audio = decode(unended, truncated="refuse")
    np.testing.assert_array_equal(audio.samples, decode(ogg).samples)
    assert _kinds(audio) == ["no_end_mark"]


def test_ogg__without_an_end_and_with_a_last_page_that_is_damaged_is_cut(ogg: bytes) -> None:
    damaged = bytearray(without_ogg_end(ogg))
    damaged[-1] ^= 0xFF
    assert _kinds(decode(bytes(damaged))) == ["truncated"]


def test_ogg__cut_within_a_page_is_truncated(ogg: bytes) -> None:
    for n_bytes in (_pages(ogg)[-2] + 10, _pages(ogg)[-2] + 30, _pages(ogg)[-2] + 300, len(ogg) - 1):
        audio = decode(ogg[:n_bytes])
        assert 0 < audio.duration_s <= 3.0
        assert _kinds(audio) == ["truncated"]
        with pytest.raises(DecodeError, match="the file is truncated: the last Ogg page is cut"):
            decode(ogg[:n_bytes], truncated="refuse")


def test_ogg__cut_between_two_pages_has_no_end_mark(ogg: bytes) -> None:
    assert _kinds(decode(ogg[: _pages(ogg)[-1]])) == ["no_end_mark"]


@pytest.mark.parametrize("second", CODINGS)
def test_ogg__streams_that_are_joined_are_read_on(ogg: bytes, encode: Encode, second: str) -> None:
    other = encode(_noise(1, 2.0), RATE_HZ, "OGG", second)
    audio = decode(ogg + other + ogg)
    parts = [decode(part).samples for part in (ogg, other, ogg)]
    np.testing.assert_array_equal(audio.samples, np.concatenate(parts))
    assert [note.text for note in audio.notes] == ["3 Ogg streams are joined: all were read"]


def test_ogg__of_streams_that_are_joined_the_last_may_be_cut(ogg: bytes) -> None:
    audio = decode(ogg + ogg[:-1])
    assert 3.0 < audio.duration_s <= 6.0
    assert _kinds(audio) == ["truncated", "joined"]


def test_ogg__streams_that_are_joined_follow_the_firsts_rate(encode: Encode) -> None:
    first = encode(_noise(0), RATE_HZ, "OGG")
    second = encode(_noise(1)[:16_000], 16_000, "OGG")
    audio = decode(first + second)
    assert (audio.sample_rate_hz, audio.duration_s) == (RATE_HZ, pytest.approx(4.0))


def test_ogg__joined_streams_are_longer_than_the_most_only_together(ogg: bytes) -> None:
    assert decode(ogg + ogg, max_duration_s=6.1).duration_s == pytest.approx(6.0)
    with pytest.raises(DecodeError, match=r"longer than 5\.9 s"):
        decode(ogg + ogg, max_duration_s=5.9)


def test_ogg__zeros_behind_are_nothing(ogg: bytes) -> None:
    assert not decode(ogg + bytes(5_000)).notes


def test_ogg__bytes_between_pages_are_passed_over(ogg: bytes) -> None:
    at = _pages(ogg)[-1]
    audio = decode(ogg[:at] + b"OggS" + b"\xff" * 996 + ogg[at:])
    assert audio.duration_s == pytest.approx(3.0, abs=0.1)
    assert [note.text for note in audio.notes] == ["1000 bytes between Ogg pages are no pages: they were passed over"]


def test_ogg__four_letters_in_the_sound_are_no_page(ogg: bytes) -> None:
    # In the body of a page they are packets.
    at = _pages(ogg)[-1] + 27 + ogg[_pages(ogg)[-1] + 26]
    assert "joined" not in _kinds(decode(ogg[:at] + b"OggS\0\2" + ogg[at + 6 :]))


@pytest.mark.parametrize("n_bytes", [4, 26, 27])
def test_ogg__without_one_whole_page_is_no_audio(ogg: bytes, n_bytes: int) -> None:
    with pytest.raises(DecodeError):
        decode(ogg[:n_bytes])


def test_ogg__a_page_that_is_damaged_is_left_out_and_said(ogg: bytes) -> None:
    begin, end = _pages(ogg)[-3:-1]
    damaged = bytearray(ogg)
    damaged[(begin + end) // 2] ^= 0xFF
    audio = decode(bytes(damaged))
    assert 1.5 < audio.duration_s < 3.0
    (note,) = audio.notes
    assert (note.kind, note.text[:32]) == ("damaged", "1 Ogg pages are damaged and were")
