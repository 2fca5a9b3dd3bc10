"""One file from front to back: notes, refusals, and a path as good as its bytes."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from silencio.audio import MAX_AUDIO_S, MAX_RATE_HZ, MIN_AUDIO_S, WaveformReader, decode, read_waveform
from silencio.audio.notes import KINDS
from silencio.errors import DecodeError

Encode = Callable[..., bytes]

RATE_HZ = 32_000
SOUND = (0.1 * np.random.default_rng(0).standard_normal(3 * RATE_HZ)).astype(np.float32)
DOCS = Path(__file__).parents[3] / "docs"


def test_kinds__are_those_of_the_page_for_users() -> None:
    text = (DOCS / "recordings.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, flags=re.MULTILINE)) == KINDS


def test_limits__are_those_of_the_page_for_users() -> None:
    text = " ".join((DOCS / "recordings.md").read_text(encoding="utf-8").split())
    assert f"from {MIN_AUDIO_S:g} s on, at up to {MAX_RATE_HZ:,} samples a second" in text
    assert f"up to {MAX_AUDIO_S / 3600:g} hours" in text


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF"])
@pytest.mark.parametrize("n_lost", [0, 1_000])
def test_path__gives_what_its_bytes_give(tmp_path: Path, encode: Encode, container: str, n_lost: int) -> None:
    encoded = encode(np.stack([SOUND, -SOUND], axis=1), RATE_HZ, container)
    encoded = encoded[: len(encoded) - n_lost]
    file = tmp_path / "a"
    file.write_bytes(encoded)
    from_file, from_bytes = (read_waveform(source, 16_000) for source in (file, encoded))
    np.testing.assert_array_equal(from_file.samples, from_bytes.samples)
    assert from_file.notes == from_bytes.notes
    assert ("truncated" in {note.kind for note in from_file.notes}) == bool(n_lost)


def test_path__is_never_read_whole(tmp_path: Path, encode: Encode, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "long.wav"
    file.write_bytes(encode(np.tile(SOUND, 20), RATE_HZ, "WAV"))
    sizes: list[int] = []
    pread = os.pread

    def counted(descriptor: int, n_bytes: int, at: int) -> bytes:
        sizes.append(n_bytes)
        return pread(descriptor, n_bytes, at)

    monkeypatch.setattr(os, "pread", counted)
    assert len(read_waveform(file, RATE_HZ).samples) == 20 * len(SOUND)
    assert max(sizes) <= 1 << 18 < file.stat().st_size / 10


def test_path__of_a_disk_that_fails_is_no_shorter_recording(
    tmp_path: Path, encode: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.flac"
    file.write_bytes(encode(SOUND, RATE_HZ, "FLAC"))
    pread = os.pread

    def failing(descriptor: int, n_bytes: int, at: int) -> bytes:
        if at > 50_000:
            raise OSError(errno.EIO, "Input/output error")
        return pread(descriptor, n_bytes, at)

    monkeypatch.setattr(os, "pread", failing)
    with pytest.raises(DecodeError, match="cannot be read: Input/output error") as failed:
        decode(file)
    assert failed.value.kind == "unreadable"


def test_path__is_closed_again(tmp_path: Path, encode: Encode) -> None:
    good, bad = tmp_path / "a.ogg", tmp_path / "b.ogg"
    good.write_bytes(encode(SOUND, RATE_HZ, "OGG"))
    bad.write_bytes(b"no audio")
    n_open = len(list(Path("/proc/self/fd").iterdir()))
    decode(good)
    with pytest.raises(DecodeError):
        decode(bad)
    assert len(list(Path("/proc/self/fd").iterdir())) == n_open


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x20ftypM4A ", "MPEG-4"),
        (b"\x1a\x45\xdf\xa3", "WebM"),
        (b"#!AMR\n", "AMR"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
        (b"wvpk", "WavPack"),
        (b"MAC ", "Monkey's Audio"),
    ],
)
def test_other_codings__are_refused_by_name_with_what_to_do(head: bytes, name: str) -> None:
    with pytest.raises(DecodeError, match=f"{name}.* is not decoded here: convert it to FLAC") as refused:
        decode(head + bytes(2_000))
    assert refused.value.kind == "not_audio"


@pytest.mark.parametrize(("n_samples", "is_taken"), [(3_200, True), (3_199, True), (3_100, False), (1, False)])
def test_min_duration__a_tenth_of_a_second_give_or_take_a_sample(
    encode: Encode, n_samples: int, is_taken: bool
) -> None:
    encoded = encode(SOUND[:n_samples], RATE_HZ, "WAV")
    if is_taken:
        assert len(read_waveform(encoded, RATE_HZ, min_duration_s=MIN_AUDIO_S).samples) == n_samples
    else:
        with pytest.raises(DecodeError, match=r"at least 0\.1 s is needed") as refused:
            read_waveform(encoded, RATE_HZ, min_duration_s=MIN_AUDIO_S)
        assert refused.value.kind == "too_short"


def test_reader__says_what_the_recording_was_once_it_is_read(encode: Encode) -> None:
    reader = WaveformReader(encode(np.stack([SOUND, -SOUND], axis=1), RATE_HZ, "FLAC"), 16_000)
    n_samples = sum(len(block) for block in reader)
    assert n_samples == len(SOUND) // 2
    assert (reader.n_recorded, reader.recorded_hz, reader.n_channels, reader.container) == (96_000, 32_000, 2, "FLAC")
    assert [note.kind for note in reader.notes] == ["channels_cancel"]


def test_reader__names_the_container_of_the_file_and_not_of_a_mended_header(encode: Encode) -> None:
    wav = encode(SOUND, RATE_HZ, "WAV")
    assert read_waveform(wav[:-1000], RATE_HZ).container == "WAV"
    assert read_waveform(encode(SOUND, RATE_HZ, "RF64")[:-1000], RATE_HZ).container == "RF64"


def test_reader__says_that_it_goes_on_while_it_looks_at_all_of_a_recording(encode: Encode) -> None:
    calls: list[None] = []
    stereo = encode(np.tile(SOUND[:, None], (3, 2)), RATE_HZ, "FLAC")
    blocks = iter(WaveformReader(stereo, RATE_HZ, progressed=lambda: calls.append(None)))
    next(blocks)
    assert len(calls) >= 3 * len(SOUND) * 2 // (1 << 16)
