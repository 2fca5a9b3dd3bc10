"""FLAC: the samples that are there, whatever the header says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from silencio.audio import decode
from silencio.errors import DecodeError
from tests.recorder_files import with_flac_comment, with_flac_total

Encode = Callable[..., bytes]

RATE_HZ = 16_000
SOUND = (0.1 * np.random.default_rng(0).standard_normal(6 * RATE_HZ) * 32768).astype(np.int16)


@pytest.fixture(scope="module")
def flac(encode: Encode) -> bytes:
    return encode(SOUND, RATE_HZ, "FLAC", "PCM_16")


def _notes(encoded: bytes) -> list[tuple[str, str]]:
    audio = decode(encoded, truncated="refuse")
    np.testing.assert_array_equal(audio.samples * 32768, SOUND)
    return [(note.kind, note.text) for note in audio.notes]


def test_flac__as_it_should_be_has_no_note(flac: bytes) -> None:
    assert _notes(flac) == []


def test_flac__of_a_stream_has_no_total(flac: bytes) -> None:
    assert _notes(with_flac_total(flac, 0)) == []


@pytest.mark.parametrize("n_samples", [2 * len(SOUND), len(SOUND) // 3, 1, (1 << 36) - 1])
def test_flac__a_total_that_is_twice_too_small_or_absurd_is_not_believed(flac: bytes, n_samples: int) -> None:
    notes = _notes(with_flac_total(flac, n_samples))
    text = f"the header says {n_samples} samples, {len(SOUND)} were found and read"
    # All ones say nothing.
    assert notes == ([] if n_samples > 1 << 35 else [("header_size", text)])


@pytest.mark.parametrize("n_lost_bytes", [1, 100, 60_000])
@pytest.mark.parametrize("knows_total", [True, False])
def test_flac__cut_in_a_frame_is_read_up_to_it(flac: bytes, n_lost_bytes: int, knows_total: bool) -> None:
    cut = (flac if knows_total else with_flac_total(flac, 0))[:-n_lost_bytes]
    audio = decode(cut)
    n_found = len(audio.samples)
    # Whole frames, none of them lost for the one that is cut.
    assert n_found % 4096 == 0
    assert n_found >= len(SOUND) * len(cut) / len(flac) - 2 * 4096
    np.testing.assert_array_equal(audio.samples * 32768, SOUND[:n_found])
    (note,) = audio.notes
    assert note.kind == "truncated"
    of = f" of {len(SOUND)}" if knows_total else ""
    assert note.text.startswith(f"the file is truncated: {n_found}{of} samples are there")
    with pytest.raises(DecodeError, match="the file is truncated"):
        decode(cut, truncated="refuse")


def test_flac__that_claims_more_than_is_there_is_cut(flac: bytes) -> None:
    (note,) = decode(with_flac_total(flac, len(SOUND) + 4096)).notes
    assert (note.kind, note.text) == (
        "truncated",
        f"the file is truncated: {len(SOUND)} of {len(SOUND) + 4096} samples are there",
    )


@pytest.mark.parametrize("comment", [b"Info from the ranger's notebook, Rio Claro", b"Xingu 2023", b"OggS RIFF data"])
def test_flac__words_in_a_comment_are_no_headers(flac: bytes, comment: bytes) -> None:
    assert _notes(with_flac_comment(flac, comment)) == []


def test_flac__behind_a_tag_is_found(flac: bytes) -> None:
    tag = b"ID3\4\0\0\0\0\0\x0a" + bytes(10)
    assert [kind for kind, _ in _notes(tag + with_flac_total(flac, 2 * len(SOUND)))] == ["header_size"]


def test_flac__damaged_in_the_middle_is_read_up_to_there(flac: bytes) -> None:
    middle = len(flac) // 2
    audio = decode(flac[:middle] + b"\xff" * 64 + flac[middle + 64 :])
    assert 0.4 * len(SOUND) < len(audio.samples)
    assert audio.notes


@pytest.mark.parametrize("rest", [b"\0", bytes(4_096), b"TAG" + bytes(125)], ids=["a zero", "zeros", "a tag"])
def test_flac__with_something_behind_it_is_whole(flac: bytes, rest: bytes) -> None:
    assert _notes(flac + rest) == []


def test_flac__of_a_stream_with_a_tag_behind_it_is_whole(flac: bytes) -> None:
    assert _notes(with_flac_total(flac, 0) + b"TAG" + bytes(125)) == []


def test_flac__files_that_are_joined_are_read_on(flac: bytes, encode: Encode) -> None:
    other = encode(SOUND[:RATE_HZ], RATE_HZ, "FLAC", "PCM_24")
    audio = decode(flac + other + flac)
    wanted = np.concatenate([SOUND, SOUND[:RATE_HZ], SOUND])
    np.testing.assert_array_equal(audio.samples * 32768, wanted)
    assert [note.text for note in audio.notes] == ["3 FLAC streams are joined: all were read"]
