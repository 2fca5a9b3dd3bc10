"""AU and CAF: sizes that may be "not known", or were never written."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest

from silencio.audio import Steps, claimed_duration_s, decode
from silencio.audio.containers import Encoded, FoundSections, sections_of
from silencio.errors import DecodeError

Encode = Callable[..., bytes]

RATE_HZ = 16_000
SOUND = (0.1 * np.random.default_rng(0).standard_normal(RATE_HZ) * 32768).astype(np.int16)


@pytest.fixture(scope="module")
def caf(encode: Encode) -> bytes:
    """Ends with its samples."""
    made = encode(SOUND, RATE_HZ, "CAF", "PCM_16")
    return _with_size(made[: _begin(made) + 2 * len(SOUND)], 4 + 2 * len(SOUND))


def _begin(caf: bytes) -> int:
    return caf.index(b"data") + 16


def _with_size(caf: bytes, n_bytes: int) -> bytes:
    at = caf.index(b"data") + 4
    return caf[:at] + struct.pack(">q", n_bytes) + caf[at + 8 :]


def _found(caf: bytes) -> FoundSections:
    with Encoded(caf) as encoded:
        return sections_of(encoded)


def test_caf__a_size_that_is_not_known_means_to_the_end(caf: bytes) -> None:
    assert _found(caf).notes == ()
    assert _found(_with_size(caf, -1)).notes == ()


def test_caf__cut_is_truncated_and_given_to_the_decoder_with_the_size_that_there_is(caf: bytes) -> None:
    cut = caf[:-1000]
    found = _found(cut)
    assert [note.kind for note in found.notes] == ["truncated"]
    header, samples = found.sections[0].pieces
    assert samples == range(_begin(caf), len(cut))
    assert isinstance(header, bytes)
    assert header[-12:] == struct.pack(">qI", 4 + 2 * len(SOUND) - 1000, 0)


def test_caf__a_size_of_the_edits_alone_was_never_written(caf: bytes) -> None:
    audio = decode(_with_size(caf, 4), truncated="refuse")
    assert np.array_equal(audio.samples, SOUND.astype(np.float32) / 32768)
    assert [note.kind for note in audio.notes] == ["header_size"]
    assert claimed_duration_s(_with_size(caf, 4), 600.0, Steps(1_000)) == pytest.approx(1.0)


def test_caf__a_chunk_behind_no_samples_is_no_sound(caf: bytes) -> None:
    empty = _with_size(caf[: _begin(caf)] + b"info" + struct.pack(">q", 40) + b"\1" * 40, 4)
    with pytest.raises(DecodeError, match="holds no samples"):
        decode(empty)


def test_au__a_size_of_nothing_was_never_written(encode: Encode) -> None:
    au = encode(SOUND, RATE_HZ, "AU", "PCM_16")
    audio = decode(au[:8] + bytes(4) + au[12:], truncated="refuse")
    assert np.array_equal(audio.samples, SOUND.astype(np.float32) / 32768)
    assert [note.kind for note in audio.notes] == ["header_size"]
    assert claimed_duration_s(au[:8] + bytes(4) + au[12:], 600.0, Steps(1_000)) == pytest.approx(1.0)
    with pytest.raises(DecodeError, match="holds no samples"):
        decode(au[:8] + bytes(4) + au[12:24])


@pytest.mark.parametrize("n_left", [0, 4, 11])
def test_caf__cut_in_the_head_of_its_samples_is_left_to_the_decoder(caf: bytes, n_left: int) -> None:
    cut = caf[: caf.index(b"data") + n_left]
    found = _found(cut)
    assert (found.sections[0].pieces, found.notes) == ((range(len(cut)),), ())
