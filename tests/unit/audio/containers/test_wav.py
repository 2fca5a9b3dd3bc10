"""WAV, RF64 and Wave64: sizes are believed where they can be true."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from silencio.audio import DecodedAudio, decode
from silencio.audio.containers import Encoded, sections_of
from silencio.errors import DecodeError
from tests.recorder_files import with_chunk, with_data_size

Encode = Callable[..., bytes]

RATE_HZ = 16_000
SOUND = (0.1 * np.random.default_rng(0).standard_normal(3 * RATE_HZ) * 32768).astype(np.int16)
N_BYTES = 2 * len(SOUND)


@pytest.fixture(scope="module")
def wav(encode: Encode) -> bytes:
    return encode(SOUND, RATE_HZ, "WAV", "PCM_16")


def _kinds(audio: DecodedAudio) -> list[str]:
    return [note.kind for note in audio.notes]


def _is_whole(audio: DecodedAudio) -> bool:
    return np.array_equal(audio.samples, SOUND.astype(np.float32) / 32768)


def test_wav__as_it_should_be_has_no_note(wav: bytes) -> None:
    audio = decode(wav)
    assert _is_whole(audio)
    assert not audio.notes


@pytest.mark.parametrize(
    "n_bytes", [0, 0x7FFF_F000, 0x7FFF_FFD8, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFD8], ids=lambda n: f"{n:#x}"
)
def test_wav__a_size_that_was_never_written_means_to_the_end(wav: bytes, n_bytes: int) -> None:
    audio = decode(with_data_size(wav, n_bytes), truncated="refuse")
    assert _is_whole(audio)
    assert [note.text for note in audio.notes] == [
        f"the header says {n_bytes} bytes of samples, {N_BYTES} were found and read"
    ]


def test_wav__a_stream_that_says_so_has_no_note(wav: bytes) -> None:
    audio = decode(with_data_size(wav, 0xFFFF_FFFF), truncated="refuse")
    assert _is_whole(audio)
    assert not audio.notes


@pytest.mark.parametrize("n_more", [2, 8, 36, 44])
def test_wav__a_size_that_counts_the_header_lacks_nothing(wav: bytes, n_more: int) -> None:
    audio = decode(with_data_size(wav, N_BYTES + n_more), truncated="refuse")
    assert _is_whole(audio)
    assert _kinds(audio) == ["header_size"]


def test_wav__a_long_header_may_be_counted_too(wav: bytes) -> None:
    long = with_chunk(wav, b"bext", bytes(1000))
    audio = decode(with_data_size(long, N_BYTES + 1052), truncated="refuse")
    assert _is_whole(audio)
    assert _kinds(audio) == ["header_size"]


@pytest.mark.parametrize("n_lost", [46, 1_000, N_BYTES // 2, N_BYTES - 8_000])
def test_wav__what_is_cut_is_read_as_far_as_it_goes(wav: bytes, n_lost: int) -> None:
    cut = wav[:-n_lost]
    audio = decode(cut)
    assert np.array_equal(audio.samples * 32768, SOUND[: len(SOUND) - n_lost // 2])
    assert [(note.kind, note.text) for note in audio.notes] == [
        ("truncated", f"the file is truncated: {N_BYTES - n_lost} of {N_BYTES} bytes of samples are there")
    ]
    with pytest.raises(DecodeError, match="the file is truncated") as refused:
        decode(cut, truncated="refuse")
    assert refused.value.kind == "truncated"


def test_wav__a_few_blocks_that_are_missing_are_no_cut(encode: Encode) -> None:
    many = encode(np.tile(SOUND[:, None], (1, 16)), RATE_HZ, "WAV", "PCM_16")
    audio = decode(many[:-128], truncated="refuse")
    assert audio.duration_s == pytest.approx(3.0 - 4 / RATE_HZ)
    assert _kinds(audio) == ["header_size"]


def test_wav__a_size_that_is_too_small_is_read_on(wav: bytes) -> None:
    audio = decode(with_data_size(wav, N_BYTES // 3))
    assert _is_whole(audio)
    assert _kinds(audio) == ["header_size"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"LIST", b"INFOICMT\x04\0\0\0dawn"),
        (b"guan", b"GUANO|Version:1.0"),
        (b"wamd", bytes(20)),
        (b"JUNK", bytes(4096)),
        (b"abcd", b"some chunk of somebody"),
    ],
)
def test_wav__chunks_behind_the_samples_are_no_samples(wav: bytes, name: bytes, content: bytes) -> None:
    audio = decode(with_chunk(wav, name, content, behind=True))
    assert _is_whole(audio)
    assert not audio.notes


@pytest.mark.parametrize("rest", [bytes(3), bytes(100_000), b"TAG" + bytes(125), b"ID3\4\0\0\0\0\0\x0aTSSE padded."])
def test_wav__padding_and_tags_are_no_samples(wav: bytes, rest: bytes) -> None:
    audio = decode(wav + rest)
    assert _is_whole(audio)
    assert not audio.notes


def test_wav__chunks_behind_samples_of_unknown_size_are_heard_as_noise_and_no_more(wav: bytes) -> None:
    # Nothing says where the samples end; what is there is read.
    audio = decode(with_chunk(with_data_size(wav, 0), b"LIST", bytes(20), behind=True))
    assert len(audio.samples) == len(SOUND) + 14


def test_wav__a_chunk_whose_size_is_odd_and_that_has_no_padding(wav: bytes) -> None:
    tail = b"guan" + struct.pack("<I", 5) + b"GUANO"
    assert not decode(wav + tail).notes


@pytest.mark.parametrize("n_wraps", [1, 2])
@pytest.mark.parametrize("tail", [b"", b"LIST\x04\0\0\0INFO"])
def test_wav__a_size_that_began_again_at_four_gibibytes(tmp_path: Path, wav: bytes, n_wraps: int, tail: bytes) -> None:
    n_bytes = n_wraps * (1 << 32) + 1_000
    file = tmp_path / "long.wav"
    with file.open("wb") as sparse:
        sparse.write(with_data_size(wav, 1_000)[:44])
        sparse.write(b"\x01\x02" * 1_000)  # zeros would be padding
        sparse.truncate(44 + n_bytes)
        sparse.seek(0, 2)
        sparse.write(tail or b"\x01\x02" * 100)
    expected = n_bytes if tail else n_bytes + 200
    with Encoded(file) as encoded:
        found = sections_of(encoded)
    (section,) = found.sections
    header, samples = section.pieces
    assert samples == range(44, 44 + expected)
    assert isinstance(header, bytes)
    assert header[:4] == b"RF64"
    assert header[28:36] == struct.pack("<Q", expected)
    assert [note.text for note in found.notes] == [
        f"the header says 1000 bytes of samples, {expected} were found and read"
    ]


@pytest.mark.parametrize("container", ["RF64", "W64", "AIFF", "AU", "CAF"])
def test_long_forms__cut_and_whole_as_wav(encode: Encode, container: str) -> None:
    whole = encode(SOUND, RATE_HZ, container, "PCM_16")
    audio = decode(whole, truncated="refuse")
    assert _is_whole(audio)
    assert not audio.notes
    cut = decode(whole[: -N_BYTES // 2])
    assert len(cut.samples) == pytest.approx(len(SOUND) / 2, abs=1)
    assert _kinds(cut) == ["truncated"]
    with pytest.raises(DecodeError, match="the file is truncated"):
        decode(whole[: -N_BYTES // 2], truncated="refuse")


@pytest.mark.parametrize("n_bytes", [0, (1 << 64) - 1])
def test_rf64__a_size_that_was_never_written_means_to_the_end(encode: Encode, n_bytes: int) -> None:
    whole = encode(SOUND, RATE_HZ, "RF64", "PCM_16")
    at = whole.index(b"ds64") + 16
    audio = decode(whole[:at] + struct.pack("<Q", n_bytes) + whole[at + 8 :], truncated="refuse")
    assert _is_whole(audio)
    assert not audio.notes


def test_bw64__is_read_as_its_twin(encode: Encode) -> None:
    whole = encode(SOUND, RATE_HZ, "RF64", "PCM_16")
    assert _is_whole(decode(b"BW64" + whole[4:]))


def test_wave64__a_size_of_zero_means_to_the_end(encode: Encode) -> None:
    whole = encode(SOUND, RATE_HZ, "W64", "PCM_16")
    at = whole.index(b"data") + 16
    audio = decode(whole[:at] + struct.pack("<Q", 24) + whole[at + 8 :], truncated="refuse")
    assert _is_whole(audio)
    assert _kinds(audio) == ["header_size"]


@pytest.mark.parametrize("container", ["AU", "AIFF"])
def test_au_and_aiff__a_size_that_is_not_known_means_to_the_end(encode: Encode, container: str) -> None:
    whole = encode(SOUND, RATE_HZ, container, "PCM_16")
    at = 8 if container == "AU" else whole.index(b"SSND") + 4
    audio = decode(whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :], truncated="refuse")
    assert _is_whole(audio)


def test_rifx__is_big_endian_in_all_of_it(wav: bytes) -> None:
    sound_format = struct.pack(">HHIIHH", 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    head = b"RIFX" + struct.pack(">I", 36 + N_BYTES) + b"WAVEfmt " + struct.pack(">I", 16) + sound_format
    rifx = head + b"data" + struct.pack(">I", 0) + SOUND.astype(">i2").tobytes()
    audio = decode(rifx)
    assert _is_whole(audio)
    assert _kinds(audio) == ["header_size"]


def test_wav__coded_in_blocks_is_repaired_too(encode: Encode) -> None:
    whole = encode(SOUND, RATE_HZ, "WAV", "IMA_ADPCM")
    mended = decode(with_data_size(whole, 0))
    np.testing.assert_array_equal(mended.samples[: len(SOUND)], decode(whole).samples[: len(SOUND)])


def test_wav__behind_a_tag_is_found(wav: bytes) -> None:
    tag = b"ID3\4\0\0\0\0\0\x0a" + bytes(10)
    assert _is_whole(decode(tag + wav))
    assert _kinds(decode(tag + wav[:-1000])) == ["truncated"]


def test_aiff__behind_a_chunk_of_odd_size_is_found_cut(encode: Encode) -> None:
    whole = encode(SOUND, RATE_HZ, "AIFF", "PCM_16")
    at = whole.index(b"SSND")
    named = whole[:at] + b"NAME\0\0\0\x05guan\0\0" + whole[at:]
    assert _is_whole(decode(named))
    assert _kinds(decode(named[:-1_000])) == ["truncated"]


@pytest.mark.parametrize(("n_lost", "kind"), [(4, "header_size"), (5, "truncated")])
def test_aiff__a_few_frames_that_are_missing_are_no_cut(encode: Encode, n_lost: int, kind: str) -> None:
    whole = encode(np.stack([SOUND, SOUND, SOUND], axis=1), RATE_HZ, "AIFF", "PCM_24")
    audio = decode(whole[: len(whole) - 9 * n_lost])
    assert len(audio.samples) == len(SOUND) - n_lost
    assert _kinds(audio) == [kind]


@pytest.mark.parametrize("container", ["WAV", "RF64", "W64", "AIFF", "AU", "CAF"])
def test_every_form__cut_anywhere_in_its_header_is_refused_or_empty(encode: Encode, container: str) -> None:
    whole = encode(SOUND[:100], RATE_HZ, container, "PCM_16")
    for n_bytes in range(1, len(whole) - 200):
        with pytest.raises(DecodeError):
            decode(whole[:n_bytes])


def test_wav__nothing_recorded_and_chunks_behind_is_nothing(wav: bytes) -> None:
    empty = with_chunk(with_data_size(wav[:44], 0), b"wamd", bytes(range(1, 201)) * 40, behind=True)
    with pytest.raises(DecodeError, match="the audio holds no samples"):
        decode(empty)


# What may stand behind the samples


def test_wav__an_odd_chunk_behind_the_samples_is_padded_before_the_next(wav: bytes) -> None:
    # Neither is a chunk that is known by its name: they are believed because one follows the other to the end.
    longer = with_chunk(with_chunk(wav, b"owl1", b"hoo", behind=True), b"owl2", b"hoo?", behind=True)
    audio = decode(with_chunk(longer, b"LIST", b"INFO", behind=True), truncated="refuse")
    assert _is_whole(audio)
    assert not audio.notes


@pytest.mark.parametrize("letter", [0x00, 0x1F, 0x7F, 0x80])
def test_wav__what_has_no_name_of_letters_is_no_chunk(wav: bytes, letter: int) -> None:
    name = bytes([ord("o"), ord("w"), letter, ord("1")])
    assert _kinds(decode(with_chunk(wav, name, b"\1" * 40, behind=True))) == ["header_size"]


@pytest.mark.parametrize("letter", [0x20, 0x7E])
def test_wav__the_first_and_the_last_letter_make_a_chunk(wav: bytes, letter: int) -> None:
    name = bytes([ord("o"), ord("w"), letter, ord("1")])
    assert not decode(with_chunk(wav, name, b"\1" * 40, behind=True)).notes


def test_rf64__beyond_4_gib_the_decoder_is_given_a_header_with_64_bits(wav: bytes, tmp_path: Path) -> None:
    # A recorder's stream of 5 GiB that never got its size: a file with a hole, which takes no room.
    begin, n_sound = wav.index(b"data") + 8, 5 << 30
    path = tmp_path / "long.wav"
    path.write_bytes(with_data_size(wav, 0xFFFF_FFFF)[:begin])
    with path.open("r+b") as file:
        file.truncate(begin + n_sound)
    with Encoded(path) as encoded:
        header, samples = sections_of(encoded).sections[0].pieces
    assert samples == range(begin, begin + n_sound)
    assert isinstance(header, bytes)
    assert (header[:8], header[8:16]) == (b"RF64\xff\xff\xff\xff", b"WAVEds64")
    n_ds64, n_riff, n_data, n_frames, n_table = struct.unpack("<IQQQI", header[16:48])
    assert (n_ds64, n_data, n_frames, n_table) == (28, n_sound, 0, 0)
    assert n_riff == len(header) - 8 + n_sound
    assert header[48:52] == b"fmt "
    assert header[-8:] == b"data\xff\xff\xff\xff"
