"""MP3: frames are walked, and what is behind those that the first one counts is read on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from silencio.audio import DecodedAudio, decode
from silencio.audio.containers import Encoded, sections_of
from silencio.audio.containers.mp3 import _Walk
from silencio.audio.containers.mp3_frames import frame_of
from silencio.errors import DecodeError

Encode = Callable[..., bytes]

TAG = b"ID3\4\0\0\0\0\0\x20" + b"Info Xing".ljust(32)
TAG_V1 = b"TAG" + b"Xingu".ljust(125)


def _noise(seed: int, n_samples: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(n_samples)).astype(np.float32)


@pytest.fixture(scope="module", params=[(48_000, 1), (44_100, 2), (22_050, 1), (16_000, 2), (8_000, 1)], ids=str)
def mp3(request: pytest.FixtureRequest, encode: Encode) -> bytes:
    rate_hz, n_channels = request.param
    return encode(np.tile(_noise(0, 3 * rate_hz)[:, None], (1, n_channels)), rate_hz, "MP3")


def _kinds(audio: DecodedAudio) -> list[str]:
    return [note.kind for note in audio.notes]


def _uncounted(mp3: bytes) -> bytes:
    """Without the frame that counts the others."""
    with Encoded(mp3) as encoded:
        walk = _Walk(encoded, 0)
        walk.run()
    return mp3[walk.links[0].starts[0] :]


@pytest.mark.parametrize("wrap", [lambda b: b, lambda b: TAG + b, lambda b: TAG + TAG + b + TAG_V1], ids=["", "1", "2"])
def test_mp3__as_it_should_be_has_no_note(mp3: bytes, wrap: Callable[[bytes], bytes]) -> None:
    audio = decode(wrap(mp3), truncated="refuse")
    assert audio.duration_s == pytest.approx(3.0, abs=1e-3)
    assert not audio.notes


def test_mp3__of_a_stream_counts_nothing(mp3: bytes) -> None:
    audio = decode(_uncounted(mp3), truncated="refuse")
    assert audio.duration_s == pytest.approx(3.0, abs=0.25)
    assert not audio.notes


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_mp3__cut_is_read_as_far_as_it_goes(mp3: bytes, share: float) -> None:
    cut = mp3[: int(share * len(mp3))]
    audio = decode(cut)
    assert audio.duration_s == pytest.approx(3.0 * share, abs=0.4)
    (note,) = audio.notes
    assert note.kind == "truncated"
    assert "frames are there" in note.text
    with pytest.raises(DecodeError, match="the file is truncated"):
        decode(cut, truncated="refuse")


def test_mp3__cut_in_its_last_frame_says_so(mp3: bytes) -> None:
    assert [note.text for note in decode(mp3[:-1]).notes] == ["the file is truncated: its last MP3 frame is cut"]


def test_mp3__files_that_are_joined_are_read_on(mp3: bytes) -> None:
    audio = decode(mp3 + TAG_V1 + TAG + mp3)
    once = decode(mp3).samples
    assert len(audio.samples) == 2 * len(once)
    np.testing.assert_allclose(audio.samples[len(once) :], once, atol=1e-6)
    assert _kinds(audio) == ["joined"]


def test_mp3__frames_behind_the_counted_ones_are_read_on(mp3: bytes) -> None:
    audio = decode(mp3 + _uncounted(mp3))
    assert audio.duration_s == pytest.approx(6.0, abs=0.3)
    assert _kinds(audio) == ["joined"]


def test_mp3__another_rate_behind_is_read_on(mp3: bytes, encode: Encode) -> None:
    other = encode(_noise(1, 2 * 32_000), 32_000, "MP3")
    audio = decode(mp3 + other)
    assert audio.duration_s == pytest.approx(5.0, abs=0.01)
    assert _kinds(audio) == ["joined"]


def test_mp3__bytes_between_frames_are_passed_over(mp3: bytes) -> None:
    middle = mp3.index(mp3[:2], len(mp3) // 2)
    audio = decode(mp3[:middle] + b"\xff\x00" * 500 + mp3[middle:])
    assert audio.duration_s == pytest.approx(3.0, abs=0.3)
    assert "damaged" in _kinds(audio)


def test_mp3__tags_behind_are_nothing(mp3: bytes) -> None:
    ape = b"APETAGEX" + (2000).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(16)
    size = ape[:8] + (2000).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(16)
    assert not decode(mp3 + size + bytes(64) + TAG_V1).notes


@pytest.mark.parametrize("n_bytes", [5_000, 200_000])
def test_mp3__a_hole_costs_itself_and_nothing_behind_it(encode: Encode, n_bytes: int) -> None:
    whole = encode(_noise(0, 30 * 32_000), 32_000, "MP3")
    middle = whole.index(whole[:2], len(whole) // 2)
    audio = decode(whole[:middle] + b"\x55" * n_bytes + whole[middle:], truncated="refuse")
    assert audio.duration_s == pytest.approx(30.0, abs=0.3)
    assert _kinds(audio)[0] == "damaged"
    assert f"{n_bytes} bytes between MP3 frames" in audio.notes[0].text


# Bit rates in kbit/s by version (3: 1, 2: 2) and layer: ISO 11172-3 and 13818-3, table B.1.
KBPS = {
    (3, 1): range(32, 449, 32),
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (*range(8, 65, 8), *range(80, 161, 16)),
    (2, 3): (*range(8, 65, 8), *range(80, 161, 16)),
}
SAMPLES_A_FRAME = {(3, 1): 384, (3, 2): 1152, (3, 3): 1152, (2, 1): 384, (2, 2): 1152, (2, 3): 576}
RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("layer", [1, 2, 3])
@pytest.mark.parametrize("version", [3, 2, 0])
def test_mp3__a_frame_is_as_long_as_its_bit_rate_says(version: int, layer: int, padding: int) -> None:
    table = (3 if version == 3 else 2, layer)
    for rate, rate_hz in enumerate(RATES_HZ[version]):
        for bitrate, kbps in enumerate(KBPS[table], start=1):
            slot_bytes = 4 if layer == 1 else 1
            n_slots = SAMPLES_A_FRAME[table] * 1000 * kbps // (8 * slot_bytes * rate_hz) + padding
            head = bytes([0xFF, 0xE1 | version << 3 | (4 - layer) << 1, bitrate << 4 | rate << 2 | padding << 1, 0])
            with Encoded(head.ljust(n_slots * slot_bytes, b"\0") * 3) as encoded:
                walk = _Walk(encoded, 0)
                walk.run()
            assert [start // (n_slots * slot_bytes) for start in walk.links[0].starts] == [0, 1, 2], (kbps, rate_hz)
            assert walk.links[0].starts[1] == n_slots * slot_bytes
            assert not walk.notes()


def test_mp3__what_looks_like_frames_and_is_none_is_not_looked_through_for_ever() -> None:
    """Three megabytes of such bytes would take a decoder as long as hours of sound."""
    hostile = b"\xff\xfb\x90\0" + b"\xff" * 3_000_000
    begun = frame_of.cache_info()
    with Encoded(hostile) as encoded:
        sections_of(encoded)
    ended = frame_of.cache_info()
    assert (ended.hits + ended.misses) - (begun.hits + begun.misses) < 200_000
