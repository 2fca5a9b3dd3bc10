"""Bytes or a file to mono samples."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from silencio.audio import DecodedAudio, decode, quantize, read_waveform, resample
from silencio.errors import AudioError, DecodeError

Encode = Callable[..., bytes]
RATE_HZ = 32000
ONE_SECOND = np.arange(RATE_HZ) / RATE_HZ
CHIRP = (0.5 * np.sin(2 * np.pi * (400 * ONE_SECOND + 900 * np.square(ONE_SECOND)))).astype(np.float32)
NOISE = (0.1 * np.random.default_rng(0).standard_normal(RATE_HZ)).astype(np.float32)
LOSSLESS = [("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("FLAC", "PCM_16")]
LOSSY = [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")]


@pytest.fixture
def decoded_frames(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many frames each call to libsndfile gave."""
    frames: list[int] = []
    read = soundfile.SoundFile.read

    def counted(self: soundfile.SoundFile, *args: Any, **options: Any) -> NDArray[Any]:
        block = read(self, *args, **options)
        frames.append(len(block))
        return block

    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    return frames


@pytest.mark.parametrize(("container", "subtype"), LOSSLESS)
def test_decode__lossless_formats_give_every_sample_back(encode: Encode, container: str, subtype: str) -> None:
    audio = decode(encode(CHIRP, RATE_HZ, container, subtype))
    assert audio.sample_rate_hz == RATE_HZ
    step = {"PCM_16": 2.0**-15, "PCM_24": 2.0**-23}.get(subtype, 0.0)
    np.testing.assert_allclose(audio.samples, CHIRP, rtol=0, atol=step)


@pytest.mark.parametrize(("container", "subtype"), LOSSY)
def test_decode__lossy_formats_sound_the_same(encode: Encode, container: str, subtype: str) -> None:
    rate_hz = 48000 if subtype == "OPUS" else RATE_HZ
    audio = decode(encode(CHIRP, rate_hz, container, subtype))
    assert audio.sample_rate_hz == rate_hz
    assert abs(len(audio.samples) - len(CHIRP)) <= 1152
    n = min(len(audio.samples), len(CHIRP))
    assert np.corrcoef(audio.samples[:n], CHIRP[:n])[0, 1] > 0.99


def test_decode__samples_are_float32_in_one_dimension(encode: Encode) -> None:
    for channels in (1, 2):
        samples = decode(encode(np.stack([CHIRP] * channels, axis=1), RATE_HZ, "WAV")).samples
        assert samples.dtype == np.float32
        assert samples.shape == CHIRP.shape


def test_decode__a_file_and_its_bytes_give_the_same(encode: Encode, tmp_path: Path) -> None:
    (tmp_path / "a.ogg").write_bytes(encode(CHIRP, RATE_HZ, "OGG"))
    from_file, from_bytes = decode(tmp_path / "a.ogg"), decode((tmp_path / "a.ogg").read_bytes())
    np.testing.assert_array_equal(from_file.samples, from_bytes.samples)


def test_decode__the_name_of_a_file_means_nothing(encode: Encode, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(encode(CHIRP, RATE_HZ, "FLAC"))
    assert len(decode(tmp_path / "a.txt").samples) == len(CHIRP)


def test_decode__channels_are_averaged(encode: Encode) -> None:
    stereo = np.stack([CHIRP, NOISE], axis=1)
    samples = decode(encode(stereo, RATE_HZ, "WAV", "FLOAT")).samples
    np.testing.assert_allclose(samples, (CHIRP + NOISE) / 2, atol=1e-7)


def test_decode__three_channels_are_averaged_too(encode: Encode) -> None:
    three = np.stack([CHIRP, NOISE, 0.5 * NOISE[::-1]], axis=1)
    samples = decode(encode(three, RATE_HZ, "WAV", "FLOAT")).samples
    np.testing.assert_allclose(samples, three.mean(axis=1), atol=1e-7)


def test_decode__equal_channels_are_as_loud_as_one(encode: Encode) -> None:
    both = decode(encode(np.stack([CHIRP, CHIRP], axis=1), RATE_HZ, "WAV", "FLOAT"))
    one = decode(encode(CHIRP, RATE_HZ, "WAV", "FLOAT"))
    np.testing.assert_array_equal(both.samples, one.samples)


@pytest.mark.parametrize("n_samples", [1, 2, 65535, 65536, 65537, 2 * 65536, 3 * 65536 + 17])
def test_decode__a_recording_of_several_blocks_is_whole_and_in_order(encode: Encode, n_samples: int) -> None:
    ramp = (np.arange(n_samples) % 30011 / 32768).astype(np.float32)
    np.testing.assert_array_equal(decode(encode(ramp, 8000, "WAV")).samples, ramp)


def test_decode__beyond_full_scale_is_kept(encode: Encode) -> None:
    loud = np.array([0.0, 1.5, -2.0], np.float32)
    np.testing.assert_array_equal(decode(encode(loud, RATE_HZ, "WAV", "FLOAT")).samples, loud)


def test_duration_s__is_samples_over_rate() -> None:
    assert DecodedAudio(np.zeros(8000, np.float32), 16000).duration_s == 0.5


# What cannot be used


@pytest.mark.parametrize("container", ["WAV", "OGG"])
def test_decode__no_samples(encode: Encode, container: str) -> None:
    with pytest.raises(DecodeError, match="no samples"):
        decode(encode(CHIRP[:0], RATE_HZ, container))


def test_decode__empty_bytes() -> None:
    with pytest.raises(DecodeError, match="empty"):
        decode(b"")


def test_decode__empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.ogg").touch()
    with pytest.raises(DecodeError, match="empty"):
        decode(tmp_path / "a.ogg")


def test_decode__missing_file(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match="cannot be read: No such file"):
        decode(tmp_path / "a.ogg")


def test_decode__folder(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match="cannot be read: Is a directory"):
        decode(tmp_path)


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(np.random.default_rng(1).bytes(5000), id="noise"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(500), id="picture"),
        pytest.param(b"<!doctype html><p>Not found</p>", id="web page"),
        pytest.param(b"RIFF\x24\x00\x00\x00WAVE", id="RIFF and no more"),
        pytest.param(b"OggS" + bytes(200), id="OggS and zeros"),
        pytest.param(b"fLaC" + bytes(200), id="fLaC and zeros"),
        pytest.param(b"\0", id="one byte"),
        pytest.param(bytes(5000), id="zeros"),
    ],
)
def test_decode__garbage(garbage: bytes) -> None:
    with pytest.raises(DecodeError, match=rf"not audio that can be decoded \({len(garbage)} bytes\)"):
        decode(garbage)


@pytest.mark.parametrize("n_bytes", [4, 27, 60, 200, 1000])
def test_decode__ogg_cut_in_its_header(encode: Encode, n_bytes: int) -> None:
    with pytest.raises(DecodeError):
        decode(encode(NOISE, RATE_HZ, "OGG")[:n_bytes])


@pytest.mark.parametrize(("container", "subtype"), [*LOSSLESS, *LOSSY])
def test_decode__a_file_cut_anywhere_is_refused_or_shorter(encode: Encode, container: str, subtype: str) -> None:
    whole = encode(NOISE, 48000 if subtype == "OPUS" else RATE_HZ, container, subtype)
    for n_bytes in np.linspace(1, len(whole) - 1, 23).astype(int):
        try:
            assert 0 < len(decode(whole[:n_bytes]).samples) <= len(NOISE)
        except DecodeError as error:
            assert str(error)  # either outcome is right


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_decode__samples_that_are_no_numbers(encode: Encode, value: float) -> None:
    samples = CHIRP.copy()
    samples[-1] = value
    with pytest.raises(DecodeError, match="not finite"):
        decode(encode(samples, RATE_HZ, "WAV", "FLOAT"))


def test_decode__one_channel_that_is_no_number_is_enough(encode: Encode) -> None:
    stereo = np.stack([CHIRP, np.full_like(CHIRP, np.nan)], axis=1)
    with pytest.raises(DecodeError, match="not finite"):
        decode(encode(stereo, RATE_HZ, "WAV", "FLOAT"))


def test_decode_error__is_an_audio_error() -> None:
    with pytest.raises(AudioError):
        decode(b"no audio")


# Limits


def test_max_duration__exactly_so_long_is_taken(encode: Encode) -> None:
    assert len(decode(encode(CHIRP, RATE_HZ, "WAV"), max_duration_s=1.0).samples) == RATE_HZ


def test_max_duration__one_sample_more_is_refused(encode: Encode) -> None:
    with pytest.raises(DecodeError, match="longer than 1 s"):
        decode(encode(np.append(CHIRP, np.float32(0)), RATE_HZ, "WAV"), max_duration_s=1.0)


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_max_duration__the_rest_is_not_decoded(encode: Encode, container: str, decoded_frames: list[int]) -> None:
    ten_minutes = encode(np.zeros(600 * 8000, np.float32), 8000, container)
    with pytest.raises(DecodeError, match="longer than 3 s"):
        decode(ten_minutes, max_duration_s=3.0)
    assert sum(decoded_frames) <= 3 * 8000 + 65536


def test_decode__a_header_that_claims_two_gigabytes_gives_what_is_there(
    encode: Encode, decoded_frames: list[int]
) -> None:
    lying = bytearray(encode(CHIRP, RATE_HZ, "WAV", "PCM_16"))
    size_at = lying.index(b"data") + 4
    lying[size_at : size_at + 4] = struct.pack("<I", 0x7FFFFFFF)
    np.testing.assert_allclose(decode(bytes(lying)).samples, CHIRP, atol=2.0**-15)
    assert max(decoded_frames) <= 65536


def test_decode__a_header_that_claims_a_thousand_hours_gives_what_is_there(
    encode: Encode, decoded_frames: list[int]
) -> None:
    lying = bytearray(encode(NOISE, RATE_HZ, "FLAC", "PCM_16"))
    lying[21] |= 0x0F
    lying[22:26] = b"\xff\xff\xff\xff"
    np.testing.assert_allclose(decode(bytes(lying)).samples, NOISE, atol=2.0**-15)
    assert max(decoded_frames) <= 65536


def _claiming_rate(wav: bytes, rate_hz: int) -> bytes:
    lying = bytearray(wav)
    lying[24:28] = struct.pack("<I", rate_hz)
    return bytes(lying)


@pytest.mark.parametrize("rate_hz", [8_000, 96_000, 384_000, 500_000, 1_000_000])
def test_rate__of_any_recorder_is_taken(encode: Encode, rate_hz: int) -> None:
    assert decode(_claiming_rate(encode(CHIRP, RATE_HZ, "WAV"), rate_hz)).sample_rate_hz == rate_hz


@pytest.mark.parametrize("rate_hz", [0, 1_000_001, 0x7FFFFFFF])
def test_rate__that_no_recorder_has_is_refused(encode: Encode, rate_hz: int) -> None:
    with pytest.raises(DecodeError):
        decode(_claiming_rate(encode(CHIRP, RATE_HZ, "WAV"), rate_hz))


@pytest.mark.parametrize("n_samples", [1, 2, 3, 500, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 200_000])
@pytest.mark.parametrize("rate_hz", [8_000, 32_000, 44_100, 48_000, 192_000])
def test_read_waveform__the_same_to_the_last_bit_as_all_at_once(encode: Encode, n_samples: int, rate_hz: int) -> None:
    recording = encode(np.resize(NOISE, n_samples), rate_hz, "WAV", "FLOAT")
    audio = decode(recording)
    at_once = quantize(resample(audio.samples, rate_hz, RATE_HZ))
    waveform = read_waveform(recording, RATE_HZ)
    np.testing.assert_array_equal(waveform.samples, at_once if len(at_once) else np.zeros(1, np.int16))
    assert (waveform.n_recorded, waveform.recorded_hz, waveform.n_channels) == (n_samples, rate_hz, 1)


def test_read_waveform__many_channels_are_read_in_small_blocks(encode: Encode, decoded_frames: list[int]) -> None:
    many = encode(np.repeat(NOISE[:4_000, None], 200, axis=1), RATE_HZ, "WAV", "FLOAT")
    np.testing.assert_allclose(read_waveform(many, RATE_HZ).samples, quantize(NOISE[:4_000]), atol=1)
    assert max(decoded_frames) * 200 <= 1 << 16
