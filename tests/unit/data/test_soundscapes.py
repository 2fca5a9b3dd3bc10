"""Made soundscapes: what is annotated is there, as loud as it says, and nowhere else."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from pydantic import ValidationError

from silencio.audio import dequantize, quantize
from silencio.data.annotations import Annotation
from silencio.data.backgrounds import BackgroundConfig, BackgroundPool
from silencio.data.calls import Band, LabelledWaveform, band_power
from silencio.data.soundscapes import AnnotatedSoundscape, SoundscapeConfig, generate_soundscapes
from silencio.errors import DataError
from silencio.features import FeatureSpec

RATE_HZ = 16_000
SPEC = FeatureSpec(
    sample_rate_hz=RATE_HZ, window_s=2.0, hop_s=2.0, n_fft=512, hop_length=256, n_mels=32, f_max_hz=8000.0
)
PITCH_HZ = {"65448": 900.0, "grekis": 3000.0, "yecspi2": 6000.0}
SHORT = SoundscapeConfig(n_soundscapes=4, duration_s=20.0, n_calls=(3, 6), max_call_s=4.0)


def calls(level: float = 0.1) -> list[LabelledWaveform]:
    """Two recordings a species: a tone of its own between stretches of hiss."""
    rng = np.random.default_rng(0)
    recordings = []
    for code, pitch_hz in PITCH_HZ.items():
        for number in range(2):
            samples = rng.normal(0, 0.0005, 6 * RATE_HZ)
            song = np.arange(round((1.0 + number) * RATE_HZ)) / RATE_HZ
            samples[RATE_HZ : RATE_HZ + len(song)] += level * np.sin(2 * np.pi * pitch_hz * song)
            recordings.append(LabelledWaveform(f"{code}/{number}.ogg", code, quantize(samples.astype(np.float32))))
    return recordings


def make(config: SoundscapeConfig = SHORT, level: float = 0.1) -> list[AnnotatedSoundscape]:
    return list(generate_soundscapes(calls(level), BackgroundPool(RATE_HZ), SPEC, config))


def cut(waveform: NDArray[np.int16], call: Annotation) -> NDArray[np.float32]:
    return dequantize(waveform[round(call.begin_s * RATE_HZ) : round(call.end_s * RATE_HZ)])


def alone(soundscape: AnnotatedSoundscape, call: Annotation) -> bool:
    return sum(other.overlap_s(call.begin_s, call.end_s) > 0 for other in soundscape.annotations) == 1


# What is there


def test_generate__has_the_length_and_names_of_the_config() -> None:
    config = SHORT.model_copy(update={"sites": ("A01", "B02"), "interval_s": 60.0})
    soundscapes = make(config)
    assert [one.name for one in soundscapes] == [
        "A01_20250411_050000",
        "B02_20250411_050000",
        "A01_20250411_050100",
        "B02_20250411_050100",
    ]
    assert soundscapes[3].start == datetime(2025, 4, 11, 5, 0) + timedelta(seconds=60)
    assert soundscapes[3].site == "B02"
    for one in soundscapes:
        waveform = one.waveform()
        assert waveform.dtype == np.int16
        assert len(waveform) == 20 * RATE_HZ == one.duration_s * one.sample_rate_hz
        assert 3 <= len(one.annotations) <= 6


def test_generate__the_annotated_species_sounds_where_it_says() -> None:
    for soundscape in make():
        waveform = soundscape.waveform()
        for call in soundscape.annotations:
            assert call.low_hz is not None
            assert call.high_hz is not None
            assert call.low_hz < PITCH_HZ[call.code] < call.high_hz
            assert call.recording_id is not None
            assert call.recording_id.startswith(call.code)
            # The active part is the tone: 1 or 2 s, not the 6 s of the recording.
            assert call.duration_s == pytest.approx(1.0 + int(call.recording_id[-5]), abs=0.1)
            assert 0 <= call.begin_s < call.end_s <= soundscape.duration_s
            if alone(soundscape, call) and call.snr_db is not None and call.snr_db > 3:
                sound = cut(waveform, call)
                loudest = np.abs(np.fft.rfft(sound))
                loudest[: round(200 * len(sound) / RATE_HZ)] = 0
                assert np.argmax(loudest) * RATE_HZ / len(sound) == pytest.approx(PITCH_HZ[call.code], abs=5)


def backgrounds_of(config: SoundscapeConfig) -> list[AnnotatedSoundscape]:
    """The same soundscapes with calls that nobody hears."""
    return make(config.model_copy(update={"snr_db": (-200.0, -200.0)}))


def test_generate__outside_the_annotations_is_the_background_alone() -> None:
    for soundscape, background in zip(make(), backgrounds_of(SHORT), strict=True):
        used = np.zeros(20 * RATE_HZ, bool)
        for call in soundscape.annotations:
            used[round(call.begin_s * RATE_HZ) : round(call.end_s * RATE_HZ)] = True
        differs = soundscape.waveform() != background.waveform()
        assert differs[used].mean() > 0.9
        assert not differs[~used].any()


def test_generate__calls_have_the_level_that_is_annotated() -> None:
    config = SHORT.model_copy(update={"overlap_share": 0.0})
    n_measured = 0
    for soundscape, background in zip(make(config), backgrounds_of(config), strict=True):
        for call in soundscape.annotations:
            assert call.snr_db is not None
            assert -5.0 <= call.snr_db <= 20.0
            band = Band(call.low_hz or 0, call.high_hz or 0)
            under = cut(background.waveform(), call)
            power = [
                band_power(samples, RATE_HZ, band) for samples in (cut(soundscape.waveform(), call) - under, under)
            ]
            assert 10 * np.log10(power[0] / power[1]) == pytest.approx(call.snr_db, abs=1.5)
            n_measured += 1
    assert n_measured >= 12


def test_generate__what_would_clip_is_made_softer_as_a_whole() -> None:
    loud = BackgroundConfig(made=("pink",), made_dbfs=(-12.0, -12.0))
    config = SHORT.model_copy(update={"backgrounds": loud, "snr_db": (30.0, 30.0)})
    soft = config.model_copy(update={"backgrounds": BackgroundConfig(made=("pink",), made_dbfs=(-50.0, -50.0))})
    for clipping, fitting in zip(make(config), make(soft), strict=True):
        first, second = clipping.waveform().astype(float), fitting.waveform().astype(float)
        assert np.abs(first).max() == pytest.approx(0.99 * 32768, abs=2)
        # The same sound but for its level: no sample was cut off.
        assert np.corrcoef(first, second)[0, 1] > 0.999


# Where calls are put


def test_generate__no_overlap_where_none_is_wanted() -> None:
    config = SHORT.model_copy(update={"overlap_share": 0.0, "n_calls": (8, 12)})
    for soundscape in make(config):
        assert all(alone(soundscape, call) for call in soundscape.annotations)


def test_generate__wanted_overlap_is_half_of_the_shorter_call_and_never_of_one_species() -> None:
    config = SHORT.model_copy(update={"overlap_share": 1.0, "n_calls": (2, 2), "n_soundscapes": 12})
    for soundscape in make(config):
        one, other = soundscape.annotations
        overlap_s = one.overlap_s(other.begin_s, other.end_s)
        if one.code == other.code:
            assert overlap_s == 0
        else:
            assert overlap_s >= 0.49 * min(one.duration_s, other.duration_s)


def test_generate__where_there_is_no_room_calls_are_left_out() -> None:
    config = SHORT.model_copy(update={"duration_s": 2.5, "overlap_share": 0.0, "n_calls": (5, 5)})
    for soundscape in make(config):
        assert 1 <= len(soundscape.annotations) <= 2
        assert all(call.end_s <= 2.5 for call in soundscape.annotations)


def test_generate__no_calls_is_background_alone() -> None:
    for soundscape in make(SHORT.model_copy(update={"n_calls": (0, 0)})):
        assert soundscape.annotations == ()
        assert soundscape.waveform().any()


def test_generate__species_take_turns_however_many_recordings_they_have() -> None:
    many = [*calls(), *(one._replace(recording_id=f"grekis/x{i}.ogg") for i in range(9) for one in calls()[2:3])]
    config = SHORT.model_copy(update={"n_soundscapes": 10, "n_calls": (3, 3), "duration_s": 60.0, "overlap_share": 0.0})
    soundscapes = list(generate_soundscapes(many, BackgroundPool(RATE_HZ), SPEC, config))
    placed = [call for one in soundscapes for call in one.annotations]
    assert set(Counter(call.code for call in placed).values()) == {10}
    assert len({call.recording_id for call in placed if call.code == "grekis"}) == 10
    assert len({call.recording_id for call in placed if call.code == "65448"}) == 2


# The same again


def test_generate__the_same_seed_is_the_same_to_the_last_sample() -> None:
    for one, other in zip(make(), make(), strict=True):
        assert one.annotations == other.annotations
        np.testing.assert_array_equal(one.waveform(), other.waveform())
        np.testing.assert_array_equal(one.waveform(), one.waveform())


def test_generate__another_seed_is_another_soundscape() -> None:
    assert make()[0].annotations != make(SHORT.model_copy(update={"seed": 1}))[0].annotations


def test_generate__the_order_of_recordings_means_nothing() -> None:
    turned = list(generate_soundscapes(reversed(calls()), BackgroundPool(RATE_HZ), SPEC, SHORT))
    assert [one.annotations for one in turned] == [one.annotations for one in make()]


def test_generate__a_longer_series_begins_with_the_shorter() -> None:
    longer = make(SHORT.model_copy(update={"n_soundscapes": 7}))
    assert [one.annotations for one in longer[:4]] == [one.annotations for one in make()]


def test_generate__soundscapes_come_one_by_one() -> None:
    endless = SHORT.model_copy(update={"n_soundscapes": 10**9})
    assert next(generate_soundscapes(calls(), BackgroundPool(RATE_HZ), SPEC, endless)).annotations


# What cannot be used


def test_generate__silent_recordings_are_passed_over() -> None:
    silent = [LabelledWaveform("grekis/s.ogg", "grekis", np.zeros(RATE_HZ, np.int16))]
    soundscapes = generate_soundscapes([*silent, *calls()], BackgroundPool(RATE_HZ), SPEC, SHORT)
    assert "grekis/s.ogg" not in {call.recording_id for one in soundscapes for call in one.annotations}
    with pytest.raises(DataError, match="all 1 are silent"):
        next(generate_soundscapes(silent, BackgroundPool(RATE_HZ), SPEC, SHORT))


def test_generate__says_at_once_what_does_not_fit() -> None:
    with pytest.raises(DataError, match="none was given"):
        generate_soundscapes([], BackgroundPool(RATE_HZ), SPEC, SHORT)
    with pytest.raises(DataError, match="8000 samples a second, the spec has 16000"):
        generate_soundscapes(calls(), BackgroundPool(8000), SPEC, SHORT)


@pytest.mark.parametrize("wrong", [{"n_calls": (5, 3)}, {"n_calls": (-1, 3)}, {"snr_db": (5.0, 0.0)}, {"calls": 3}])
def test_config__wrong_values_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SoundscapeConfig.model_validate(wrong)


def test_config__comes_back_from_a_preset() -> None:
    config = SHORT.model_copy(update={"start": datetime(2024, 1, 2, 3, 4, 5)})
    text = yaml.safe_dump(config.model_dump(mode="json"))
    assert SoundscapeConfig.model_validate(yaml.safe_load(text), strict=False) == config
