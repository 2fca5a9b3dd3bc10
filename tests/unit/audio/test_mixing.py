"""Channels that cancel or hold nothing, and samples that are integers in disguise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.audio import DecodedAudio, decode, read_waveform

Encode = Callable[..., bytes]

RATE_HZ = 16_000
# Longer than a block, so that what is found is of all of them.
N_SAMPLES = 100_000


def _noise(seed: int) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(seed).standard_normal(N_SAMPLES)).astype(np.float32)


SOUND, OTHER = _noise(0), _noise(1)


def _decoded(encode: Encode, channels: list[NDArray[np.float32]], subtype: str = "FLOAT") -> DecodedAudio:
    return decode(encode(np.stack(channels, axis=1), RATE_HZ, "WAV", subtype))


def _kinds(audio: DecodedAudio) -> list[str]:
    return [note.kind for note in audio.notes]


# Channels


@pytest.mark.parametrize("gain", [-1.0, -0.8, -1.2])
def test_channels__that_cancel_give_way_to_the_first(encode: Encode, gain: float) -> None:
    audio = _decoded(encode, [SOUND, gain * SOUND])
    np.testing.assert_array_equal(audio.samples, SOUND)
    assert _kinds(audio) == ["channels_cancel"]


@pytest.mark.parametrize("container", ["OGG", "MP3"])
def test_channels__that_cancel_are_found_though_the_coding_has_blurred_them(encode: Encode, container: str) -> None:
    # Of white noise Vorbis keeps no phase at all, and the mean of what it decodes to is as loud as any.
    smooth = np.convolve(SOUND, np.ones(4) / 2, mode="same").astype(np.float32)
    audio = decode(encode(np.stack([smooth, -smooth], axis=1), RATE_HZ, container))
    assert _kinds(audio) == ["channels_cancel"]
    assert np.square(audio.samples).mean() > 0.5 * np.square(smooth).mean()


def test_channels__that_cancel_behind_a_dead_one_give_way_to_the_first_that_lives(encode: Encode) -> None:
    audio = _decoded(encode, [0 * SOUND, OTHER, -OTHER])
    np.testing.assert_array_equal(audio.samples, OTHER)
    assert _kinds(audio) == ["dead_channel", "channels_cancel"]
    assert "channel 2 was taken" in audio.notes[1].text


@pytest.mark.parametrize("dead", [0, 1])
@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_channels__that_hold_nothing_do_not_halve_the_other(encode: Encode, dead: int, level: float) -> None:
    channels = [SOUND, SOUND]
    channels[dead] = (level * OTHER).astype(np.float32)
    audio = _decoded(encode, channels)
    np.testing.assert_array_equal(audio.samples, SOUND)
    assert [note.text for note in audio.notes] == [f"channel {dead + 1} of 2 holds nothing: the others were taken"]


def test_channels__an_offset_alone_is_no_sound(encode: Encode) -> None:
    audio = _decoded(encode, [SOUND, np.full_like(SOUND, 0.5)])
    np.testing.assert_array_equal(audio.samples, SOUND)
    assert "dead_channel" in _kinds(audio)


@pytest.mark.parametrize(
    "other",
    [SOUND, OTHER, 0.01 * SOUND, -0.2 * SOUND, np.float32(0.5) * OTHER - np.float32(0.3) * SOUND],
    ids=["equal", "independent", "quiet", "inverted and quiet", "partly inverted"],
)
def test_channels__of_any_other_kind_are_averaged(encode: Encode, other: NDArray[np.float32]) -> None:
    audio = _decoded(encode, [SOUND, other])
    np.testing.assert_allclose(audio.samples, (SOUND + other) / 2, atol=1e-7)
    assert not audio.notes


def test_channels__that_are_all_silent_are_silence(encode: Encode) -> None:
    audio = _decoded(encode, [0 * SOUND, 0 * SOUND])
    assert not audio.samples.any()
    assert not audio.notes


def test_channels__that_cancel_only_in_their_first_seconds_are_averaged(encode: Encode) -> None:
    half = np.where(np.arange(N_SAMPLES) < N_SAMPLES // 2, -SOUND, SOUND).astype(np.float32)
    assert not _decoded(encode, [SOUND, half]).notes


# Levels


@pytest.mark.parametrize("bits", [15, 23, 31])
def test_levels__integers_that_were_never_divided_are(encode: Encode, bits: int) -> None:
    audio = _decoded(encode, [(SOUND * 2.0**bits).astype(np.float32)])
    np.testing.assert_allclose(audio.samples, SOUND, rtol=1e-6)
    assert _kinds(audio) == ["integer_scale"]
    assert f"were divided by {2**bits}" in audio.notes[0].text


def test_levels__quiet_integers_are_integers_too(encode: Encode) -> None:
    audio = _decoded(encode, [(np.rint(SOUND * 100)).astype(np.float32)])
    assert np.abs(audio.samples).max() < 0.01
    assert _kinds(audio) == ["integer_scale"]


def test_levels__in_stereo_both_channels_are_divided(encode: Encode) -> None:
    audio = _decoded(encode, [SOUND * 32768, OTHER * 32768])
    np.testing.assert_allclose(audio.samples, (SOUND + OTHER) / 2, atol=1e-6)


def test_levels__a_spike_is_clipped_and_silences_nothing(encode: Encode) -> None:
    spiked = SOUND.copy()
    spiked[5_000] = 1e6
    waveform = read_waveform(encode(spiked, RATE_HZ, "WAV", "FLOAT"), RATE_HZ)
    assert waveform.samples[5_000] == 32_767
    np.testing.assert_array_equal(waveform.samples[:5_000], np.rint(SOUND[:5_000] * 32768))
    assert [note.text for note in waveform.notes] == [
        "1 of 100000 samples are beyond full scale, up to 1e+06 times: they were clipped",
        "the samples lie around 10.000 of full scale instead of 0: that was left as it is",
    ]


@pytest.mark.parametrize(("peak", "kinds"), [(1.0, []), (1.001, ["beyond_full_scale"]), (2.0, ["beyond_full_scale"])])
def test_levels__up_to_twice_full_scale_is_clipped(encode: Encode, peak: float, kinds: list[str]) -> None:
    loud = (SOUND / np.abs(SOUND).max() * peak).astype(np.float32)
    assert _kinds(_decoded(encode, [loud])) == kinds


def test_levels__integers_at_full_scale_are_not_beyond_it(encode: Encode) -> None:
    square = np.where(np.arange(N_SAMPLES) % 2, -32768, 32767).astype(np.int16)
    assert not decode(encode(square, RATE_HZ, "WAV", "PCM_16")).notes


@pytest.mark.parametrize("container", ["OGG", "MP3"])
def test_levels__what_a_lossy_decoder_overshoots_is_not_noted(encode: Encode, container: str) -> None:
    square = np.sign(np.sin(np.arange(N_SAMPLES) * 0.05)).astype(np.float32)
    audio = decode(encode(square, RATE_HZ, container))
    assert np.abs(audio.samples).max() > 1.0
    assert not audio.notes


@pytest.mark.parametrize(
    ("offset", "kinds"), [(0.008, []), (-0.008, []), (0.02, ["dc_offset"]), (-0.02, ["dc_offset"])]
)
def test_levels__an_offset_is_noted_and_stays(encode: Encode, offset: float, kinds: list[str]) -> None:
    lifted = (SOUND - SOUND.mean() + offset).astype(np.float32)
    audio = _decoded(encode, [lifted])
    np.testing.assert_array_equal(audio.samples, lifted)
    assert _kinds(audio) == kinds


def test_levels__what_float_recorders_write_beyond_full_scale_is_clipped(encode: Encode) -> None:
    loud = (SOUND / np.abs(SOUND).max() * 8.0).astype(np.float32)
    waveform = read_waveform(encode(loud, RATE_HZ, "WAV", "FLOAT"), RATE_HZ)
    assert [note.kind for note in waveform.notes] == ["beyond_full_scale"]
    assert np.sqrt(np.square(waveform.samples / 32768.0).mean()) > 0.5


@pytest.mark.parametrize("n_channels", [3, 6, 12])
def test_channels__that_have_nothing_to_do_with_each_other_never_cancel(encode: Encode, n_channels: int) -> None:
    channels = [_noise(number) for number in range(n_channels)]
    audio = _decoded(encode, channels)
    np.testing.assert_allclose(audio.samples, np.mean(channels, axis=0), atol=1e-6)
    assert not audio.notes
