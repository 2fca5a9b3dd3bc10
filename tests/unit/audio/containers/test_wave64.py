"""Wave64: sizes count their own heads, chunks begin at multiples of eight."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest

from silencio.audio import decode
from silencio.audio.containers import Encoded, FoundSections, sections_of

Encode = Callable[..., bytes]

RATE_HZ = 16_000
# Of 2,002 bytes: six of padding stand before the next chunk.
SOUND = (0.1 * np.random.default_rng(0).standard_normal(1_001) * 32768).astype(np.int16)
NAMES_END = bytes.fromhex("f3acd3118cd100c04f8edb8a")
HEAD_BYTES = 24


@pytest.fixture(scope="module")
def wave64(encode: Encode) -> bytes:
    """Ends with its samples."""
    made = encode(SOUND, RATE_HZ, "W64", "PCM_16")
    return made[: _begin(made) + 2 * len(SOUND)]


def _begin(wave64: bytes) -> int:
    return wave64.index(b"data" + NAMES_END) + HEAD_BYTES


def _with_size(wave64: bytes, n_bytes: int) -> bytes:
    at = _begin(wave64) - 8
    return wave64[:at] + struct.pack("<Q", n_bytes) + wave64[at + 8 :]


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + NAMES_END + struct.pack("<Q", HEAD_BYTES + len(content)) + content


def _found(wave64: bytes) -> FoundSections:
    with Encoded(wave64) as encoded:
        return sections_of(encoded)


def test_wave64__as_it_should_be_has_no_note(wave64: bytes) -> None:
    audio = decode(wave64, truncated="refuse")
    assert np.array_equal(audio.samples, SOUND.astype(np.float32) / 32768)
    assert not audio.notes


@pytest.mark.parametrize("n_pad", [0, 6], ids=["at once", "padded"])
def test_wave64__a_chunk_behind_the_samples_is_no_sound(wave64: bytes, n_pad: int) -> None:
    # A writer that does not pad is understood as well.
    longer = wave64 + b"\1" * n_pad + _chunk(b"bext", b"\1" * 40)
    assert _found(longer).notes == ()


def test_wave64__what_is_no_chunk_behind_the_samples_is_sound(wave64: bytes) -> None:
    assert [note.kind for note in _found(wave64 + b"\1" * 64).notes] == ["header_size"]


@pytest.mark.parametrize("n_bytes", [1 << 63, (1 << 64) - 1])
def test_wave64__a_size_that_was_never_written_means_to_the_end(wave64: bytes, n_bytes: int) -> None:
    found = _found(_with_size(wave64, n_bytes))
    assert found.notes == ()
    header, samples = found.sections[0].pieces
    assert samples == range(_begin(wave64), len(wave64))
    # The header that the decoder is given has the size that there is.
    assert isinstance(header, bytes) and header[-8:] == struct.pack("<Q", HEAD_BYTES + 2 * len(SOUND))


def test_wave64__cut_is_truncated(wave64: bytes) -> None:
    assert [note.kind for note in _found(wave64[:-1000]).notes] == ["truncated"]
    # Four blocks of one sample.
    assert [note.kind for note in _found(wave64[:-8]).notes] == ["header_size"]
    assert [note.kind for note in _found(wave64[:-9]).notes] == ["truncated"]


@pytest.mark.parametrize("n_left", [0, 4, HEAD_BYTES - 1])
def test_wave64__cut_in_the_head_of_its_samples_is_left_to_the_decoder(wave64: bytes, n_left: int) -> None:
    cut = wave64[: _begin(wave64) - HEAD_BYTES + n_left]
    found = _found(cut)
    assert (found.sections[0].pieces, found.notes) == ((range(len(cut)),), ())
