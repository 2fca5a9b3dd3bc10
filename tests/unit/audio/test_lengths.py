"""What headers say of a length is what a decoder finds, whatever recorders leave; and reading them is bounded."""

from __future__ import annotations

import ast
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from silencio.audio import Steps, audio_duration_s, claimed_duration_s
from silencio.audio.lengths import claimed
from silencio.errors import DecodeError
from tests.recorder_files import (
    with_chunk,
    with_data_size,
    with_first_flac_frame_again,
    with_flac_comment,
    with_flac_total,
    with_last_ogg_position_alone,
    without_ogg_end,
)

# What admission takes a header for: encoders put a little around the sound.
NEARLY_S = 0.2
MANY = 200_000
WAVS = ["PCM_16", "PCM_24", "PCM_U8", "FLOAT", "DOUBLE", "ALAW", "ULAW", "IMA_ADPCM", "MS_ADPCM"]
OTHERS = [
    *[("W64", one) for one in ("PCM_16", "IMA_ADPCM")],
    *[("AIFF", one) for one in ("PCM_16", "PCM_24", "FLOAT")],
    *[("AU", one) for one in ("PCM_16", "ULAW", "FLOAT", "G721_32")],
    *[("CAF", one) for one in ("PCM_16", "FLOAT", "ALAC_16")],
    *[("RF64", "PCM_16"), ("WAVEX", "PCM_16"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24")],
    *[("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")],
]


def _encoded(duration_s: float, container: str, subtype: str = "", rate_hz: int = 24_000, n_channels: int = 1) -> bytes:
    file = io.BytesIO()
    samples = 0.1 * np.random.default_rng(0).standard_normal((round(duration_s * rate_hz), n_channels))
    with soundfile.SoundFile(file, "w", rate_hz, n_channels, subtype or None, format=container) as sound:
        for first in range(0, len(samples), rate_hz):
            sound.write(samples[first : first + rate_hz])
    return file.getvalue()


def _claimed_s(encoded: bytes, max_duration_s: float = 600.0) -> float | None:
    return claimed_duration_s(encoded, max_duration_s, Steps(MANY))


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("duration_s", [0.2, 7.3])
@pytest.mark.parametrize(("container", "subtype"), [*(("WAV", one) for one in WAVS), *OTHERS])
def test_claimed__is_what_the_decoder_finds(container: str, subtype: str, duration_s: float, n_channels: int) -> None:
    n_channels = 1 if subtype == "G721_32" else n_channels
    encoded = _encoded(duration_s, container, subtype, n_channels=n_channels)
    claimed_s = _claimed_s(encoded)
    assert claimed_s is not None
    assert abs(claimed_s - audio_duration_s(encoded)) < NEARLY_S


def _without_size(wav: bytes) -> bytes:
    return with_data_size(wav, 0xFFFFFFFF)


def _of_size_0(wav: bytes) -> bytes:
    return with_data_size(wav, 0)


def _stale(wav: bytes) -> bytes:
    """As a recorder leaves it that writes the size every minute, and lost its power."""
    return with_data_size(wav, 24_000)


def _cut(encoded: bytes) -> bytes:
    return encoded[: len(encoded) * 2 // 3]


def _with_metadata(wav: bytes) -> bytes:
    return with_chunk(with_chunk(wav, b"bext", bytes(602)), b"LIST", b"INFO" + bytes(20_000), behind=True)


def _twice(encoded: bytes) -> bytes:
    return encoded + encoded


def _tagged(encoded: bytes) -> bytes:
    return b"ID3\x04\0\0\0\0\x02\0" + bytes(256) + encoded


def _hole(encoded: bytes) -> bytes:
    middle = len(encoded) // 2
    return encoded[:middle] + bytes(3_000) + encoded[middle + 3_000 :]


def _flac_total(n_samples: int) -> Callable[[bytes], bytes]:
    return lambda flac: with_flac_total(flac, n_samples)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("leave", [_cut, _tagged])
def test_claimed__of_files_as_they_are_left(container: str, leave: Callable[[bytes], bytes]) -> None:
    _is_what_is_found(leave(_encoded(9.0, container)))


@pytest.mark.parametrize("leave", [_without_size, _of_size_0, _stale, _with_metadata])
def test_claimed__of_wavs_as_recorders_leave_them(leave: Callable[[bytes], bytes]) -> None:
    _is_what_is_found(leave(_encoded(9.0, "WAV")))


# A stream, a recorder that writes twice what it recorded, one that was to go on for a day.
@pytest.mark.parametrize("n_samples", [0, 2 * 9 * 24_000, 24 * 3600 * 24_000])
def test_claimed__of_a_flac_is_by_its_frames_not_by_what_it_counts(n_samples: int) -> None:
    flac = _encoded(9.0, "FLAC")
    _is_what_is_found(with_flac_total(flac, n_samples))
    _is_what_is_found(with_flac_comment(with_flac_total(flac, n_samples), b"x" * 70_000))
    _is_what_is_found(_cut(with_flac_total(flac, n_samples)))


@pytest.mark.parametrize("container", ["FLAC", "OGG", "MP3"])
def test_claimed__of_joined_recordings_is_their_sum(container: str) -> None:
    joined = _twice(_encoded(6.0, container))
    assert abs(audio_duration_s(joined) - 12.0) < NEARLY_S
    _is_what_is_found(joined)


def test_claimed__of_a_phones_ogg_and_of_a_damaged_mp3() -> None:
    _is_what_is_found(without_ogg_end(_encoded(9.0, "OGG")))
    mp3 = _hole(_encoded(9.0, "MP3"))
    claimed_s = _claimed_s(mp3)
    assert claimed_s is not None
    assert abs(claimed_s - audio_duration_s(mp3)) < 3 * NEARLY_S


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 24_000, 44_100, 48_000])
def test_claimed__of_an_mp3_leaves_the_frame_out_that_counts_the_others(rate_hz: int) -> None:
    """What is left beyond the sound is the encoder's: its delay, and padding up to the end of a frame."""
    frame_samples = 576 if rate_hz < 32_000 else 1152
    for n_more in range(0, frame_samples, 97):
        n_samples = 20 * frame_samples + n_more
        claimed_s = _claimed_s(_encoded(n_samples / rate_hz, "MP3", rate_hz=rate_hz))
        assert claimed_s is not None
        assert n_samples < claimed_s * rate_hz <= n_samples + 1152 + frame_samples
    joined_s = _claimed_s(_twice(_encoded(1.0, "MP3", rate_hz=rate_hz)))
    assert joined_s == pytest.approx(2 * (_claimed_s(_encoded(1.0, "MP3", rate_hz=rate_hz)) or 0.0))


def test_claimed__of_radio_that_was_joined_while_it_ran_is_what_was_kept() -> None:
    """Positions count from the station's first minute, eleven hours ago."""
    ogg = _encoded(9.0, "OGG")
    shifted, at = bytearray(ogg), 0
    while at < len(ogg):
        position = struct.unpack("<q", ogg[at + 6 : at + 14])[0]
        if position > 0:
            shifted[at + 6 : at + 14] = struct.pack("<q", position + 40_000 * 24_000)
        at += 27 + ogg[at + 26] + sum(ogg[at + 27 : at + 27 + ogg[at + 26]])
    claimed_s = _claimed_s(bytes(shifted))
    assert claimed_s is not None
    # The first page's own length is not known.
    assert 4.0 < claimed_s < 9.0 + NEARLY_S


def _is_what_is_found(encoded: bytes) -> None:
    claimed_s = _claimed_s(encoded)
    assert claimed_s is not None
    assert abs(claimed_s - audio_duration_s(encoded)) < NEARLY_S


def test_claimed__headers_may_lie() -> None:
    """As those do that the running sum has to catch: a test of the tests."""
    for lying in (
        with_first_flac_frame_again(_encoded(60.0, "FLAC")),
        with_last_ogg_position_alone(_encoded(70.0, "OGG")),
    ):
        claimed_s = _claimed_s(lying)
        assert claimed_s is not None
        assert claimed_s < 1.0
        assert audio_duration_s(lying) > 59.0


@pytest.mark.parametrize("coding", ["IMA_ADPCM", "MS_ADPCM"])
@pytest.mark.parametrize("bytes_per_s", [0, 100, 1 << 30])
def test_claimed__of_adpcm_is_by_its_blocks_whatever_rate_of_bytes_it_states(coding: str, bytes_per_s: int) -> None:
    wav = _encoded(9.0, "WAV", coding)
    at = wav.index(b"fmt ") + 16
    _is_what_is_found(wav[:at] + struct.pack("<I", bytes_per_s) + wav[at + 4 :])


def test_claimed__no_decoder_is_asked() -> None:
    """The transformer reads headers of strangers; what can be taken over by a file is in processes of its own."""
    folder = Path(claimed.__file__).parent
    assert len(list(folder.glob("*.py"))) > 5
    for module in folder.glob("*.py"):
        imported = {
            name
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
        }
        assert not {one for one in imported if "soundfile" in one or "decode" in one or "recording" in one}


@pytest.mark.parametrize("encoded", [b"", b"x", b"RIFF", b"OggS", b"fLaC", b"\xff\xfb", b"ID3", bytes(5_000)])
def test_claimed__nothing_is_known_of_what_has_no_headers(encoded: bytes) -> None:
    assert not _claimed_s(encoded)


@pytest.mark.parametrize("container", ["VOC", "NIST", "PAF"])
def test_claimed__nothing_is_known_of_rare_containers(container: str) -> None:
    assert _claimed_s(_encoded(2.0, container)) is None


def test_claimed__stops_at_the_limit() -> None:
    mp3 = _encoded(60.0, "MP3")
    steps, all_steps = Steps(MANY), Steps(MANY)
    claimed_s = claimed_duration_s(mp3, 6.0, steps)
    assert claimed_s is not None
    assert 6.0 < claimed_s < 6.1
    claimed_duration_s(mp3, 600.0, all_steps)
    assert MANY - steps.left < (MANY - all_steps.left) / 5


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param((b"OggS\0\0" + bytes(20) + b"\0") * 100_000, id="pages of nothing"),
        pytest.param(b"OggS" * 700_000, id="marks of pages"),
        pytest.param(b"\xff\xfb\x90\0" + b"\xff" * 2_800_000, id="marks of frames"),
        pytest.param(b"\xff\xf3\x14\xc4" * 700_000, id="frames within frames"),
        pytest.param(b"fLaC\0\0\0\x22" * 350_000, id="streams of nothing"),
        pytest.param(b"fLaC\0\0\0\x22" + bytes(34) + b"\x04\0\0\0" * 700_000, id="blocks of nothing"),
        pytest.param(b"RIFF\0\0\0\0WAVE" + b"LIST\0\0\0\0" * 350_000, id="chunks of nothing"),
        pytest.param(b"FORM\0\0\0\0AIFF" + b"NAME\0\0\0\0" * 350_000, id="chunks of an AIFF"),
        pytest.param(b"caff\0\x01\0\0" + b"free\0\0\0\0\0\0\0\0" * 230_000, id="chunks of a CAF"),
        pytest.param(b"ID3\x04\0\0\0\0\0\0" * 280_000, id="tags"),
        pytest.param(b"\xff\xfb\x90\0" + bytes(413) + b"ID3\x04\0\0\0\0\0\0" * 280_000, id="tags behind a frame"),
    ],
)
def test_steps__bound_what_is_looked_at(hostile: bytes) -> None:
    steps = Steps(5_000)
    claimed_s = claimed_duration_s(hostile, 600.0, steps)
    # It was given up, or came to an end before.
    assert claimed_s is None or steps.left > 0


class _Counted(bytes):
    """Bytes that count how many of them are copied or looked through, in all that is cut from them too."""

    n_seen = 0

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        if isinstance(found, int):
            return found
        _Counted.n_seen += len(found)
        return _Counted(found)

    def find(self, wanted: bytes, begin: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        found = super().find(wanted, begin, end)
        _Counted.n_seen += (len(self) if found < 0 else found) - begin
        return found

    def rfind(self, wanted: bytes, begin: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        found = super().rfind(wanted, begin, end)
        _Counted.n_seen += (len(self) if end is None else end) - max(found, begin)
        return found


_SECOND_OF_FLAC = _encoded(1.0, "FLAC")
_OGG_PAGE = b"OggS\0\0" + bytes(20) + b"\0"
_MP3_FRAME = b"\xff\xfb\x90\0" + bytes(413)
_WAV = with_chunk(_encoded(0.1, "WAV", rate_hz=8_000), b"A" * 4, b"", behind=True)


@pytest.mark.parametrize("n_times", [1, 8])
@pytest.mark.parametrize(
    ("head", "repeated"),
    [
        pytest.param(_SECOND_OF_FLAC, b"\xff\xf8" * 10_000, id="one of two marks of FLAC frames"),
        pytest.param(_SECOND_OF_FLAC, b"\xff\xf9" * 10_000, id="the other"),
        pytest.param(_SECOND_OF_FLAC, b"fLaC\0\0\0\x22" * 1_000, id="starts of FLAC streams"),
        pytest.param(b"", (_OGG_PAGE + bytes(4_200)) * 40, id="gaps between Ogg pages"),
        pytest.param(b"", (2 * _MP3_FRAME + bytes(2_100)) * 60, id="gaps between MP3 frames"),
        pytest.param(_WAV, b"AAAA\0\0\0\0" * 1_000, id="chunks behind a WAV"),
    ],
)
def test_steps__cost_what_a_file_is_long_and_not_its_square(head: bytes, repeated: bytes, n_times: int) -> None:
    """A step that looked through all the rest again would take minutes of a processor for a body of its largest."""
    steps, encoded = Steps(MANY), _Counted(head + repeated * n_times)
    _Counted.n_seen = 0
    claimed_duration_s(encoded, 600.0, steps)
    n_steps = MANY - steps.left
    assert n_steps >= 40 * n_times, "what the steps are counted for was not come to"
    # A window each time that something is looked for nearby, the longest head of a page, and each byte a few times.
    assert _Counted.n_seen < 4 * len(encoded) + 512 * n_steps + (1 << 17)


@given(st.sampled_from([b"RIFF", b"OggS", b"fLaC", b"FORM", b".snd", b"caff", b"riff", b"\xff\xfb"]), st.binary())
def test_claimed__never_fails(mark: bytes, rest: bytes) -> None:
    _claimed_s(mark + rest)


@given(st.data())
def test_claimed__never_fails_on_a_broken_file(data: st.DataObject) -> None:
    encoded = bytearray(data.draw(st.sampled_from(_WHOLE)))
    for _ in range(data.draw(st.integers(1, 8))):
        encoded[data.draw(st.integers(0, min(len(encoded) - 1, 200)))] = data.draw(st.integers(0, 255))
    claimed_s = _claimed_s(bytes(encoded))
    assert claimed_s is None or claimed_s >= 0


_WHOLE = [_encoded(0.2, container) for container in ("WAV", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3")]


def test_decoder__still_says_what_is_wrong_with_an_empty_file() -> None:
    with pytest.raises(DecodeError, match="empty"):
        audio_duration_s(b"")
