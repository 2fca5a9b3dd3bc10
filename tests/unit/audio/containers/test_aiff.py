"""AIFF: the size of its samples is held against what is there."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest

from silencio.audio import Steps, claimed_duration_s, decode
from silencio.audio.containers import Encoded, sections_of
from silencio.errors import DecodeError

Encode = Callable[..., bytes]

RATE_HZ = 16_000
SOUND = (0.1 * np.random.default_rng(0).standard_normal(RATE_HZ) * 32768).astype(np.int16)


@pytest.fixture(scope="module")
def aiff(encode: Encode) -> bytes:
    return encode(SOUND, RATE_HZ, "AIFF", "PCM_16")


def _with_sound_size(aiff: bytes, n_bytes: int) -> bytes:
    at = aiff.index(b"SSND") + 4
    return aiff[:at] + struct.pack(">I", n_bytes) + aiff[at + 4 :]


def _notes(aiff: bytes) -> list[str]:
    with Encoded(aiff) as encoded:
        return [note.kind for note in sections_of(encoded).notes]


def test_aiff__as_it_should_be_has_no_note(aiff: bytes) -> None:
    audio = decode(aiff, truncated="refuse")
    assert np.array_equal(audio.samples, SOUND.astype(np.float32) / 32768)
    assert not audio.notes


def test_aiff__an_odd_chunk_before_the_samples_is_padded(aiff: bytes) -> None:
    at = aiff.index(b"SSND")
    padded = aiff[:at] + b"NAME" + struct.pack(">I", 3) + b"owl\0" + aiff[at:]
    assert _notes(padded) == []
    # What is cut is found behind the padding, too.
    assert _notes(padded[:-1000]) == ["truncated"]


def test_aiff__cut_is_truncated_and_a_few_blocks_are_not(aiff: bytes) -> None:
    assert _notes(aiff[:-1000]) == ["truncated"]
    # Four blocks of one 16-bit sample each.
    assert _notes(aiff[:-8]) == ["header_size"]
    assert _notes(aiff[:-9]) == ["truncated"]


def test_aiff__blocks_are_samples_of_every_channel(encode: Encode) -> None:
    stereo = encode(np.stack([SOUND, SOUND], axis=1), RATE_HZ, "AIFF", "PCM_16")
    assert _notes(stereo[:-16]) == ["header_size"]
    assert _notes(stereo[:-17]) == ["truncated"]


def test_aiff__without_a_sample_lacks_none(aiff: bytes) -> None:
    at = aiff.index(b"SSND")
    assert _notes(_with_sound_size(aiff[: at + 16], 8)) == []


@pytest.mark.parametrize("n_left", range(8))
def test_aiff__cut_before_its_samples_is_left_to_the_decoder(aiff: bytes, n_left: int) -> None:
    at = aiff.index(b"SSND")
    with Encoded(aiff[: at + n_left]) as encoded:
        found = sections_of(encoded)
    assert (found.sections[0].pieces, found.notes) == ((range(at + n_left),), ())


def test_aiff__a_size_of_nothing_was_never_written(aiff: bytes) -> None:
    # As a writer leaves it that is killed: what it counts, it counts at its end.
    at = aiff.index(b"COMM") + 10
    killed = _with_sound_size(aiff[:at] + bytes(4) + aiff[at + 4 :], 8)
    audio = decode(killed, truncated="refuse")
    assert np.array_equal(audio.samples, SOUND.astype(np.float32) / 32768)
    assert [note.kind for note in audio.notes] == ["header_size"]
    assert claimed_duration_s(killed, 600.0, Steps(1_000)) == pytest.approx(1.0)


def test_aiff__a_chunk_behind_no_samples_is_no_sound(aiff: bytes) -> None:
    empty = _with_sound_size(aiff[: aiff.index(b"SSND") + 16], 8) + b"ANNO" + struct.pack(">I", 40) + b"\1" * 40
    assert _notes(empty) == []
    with pytest.raises(DecodeError, match="holds no samples"):
        decode(empty)
