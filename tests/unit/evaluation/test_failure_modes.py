"""Failure modes, tried on a model that listens for pitches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.audio import quantize
from silencio.data.calls import LabelledWaveform
from silencio.errors import DataError, ModelError
from silencio.evaluation.failure_modes import FailureModeConfig, FailureModes, degradations, draw_sample, failure_modes
from silencio.features import FeatureSpec, FrontEnd
from silencio.taxonomy import ClassList, Species

RATE_HZ = 16_000
SPEC = FeatureSpec(
    sample_rate_hz=RATE_HZ, window_s=1.0, hop_s=1.0, n_fft=512, hop_length=256, n_mels=32, f_max_hz=8000.0
)
PITCH_HZ = {"a": 700.0, "b": 1500.0, "c": 3100.0, "d": 6300.0}
CLASSES = ClassList.of(Species(code=code, scientific_name="", common_name="", class_name="Aves") for code in PITCH_HZ)
CONFIG = FailureModeConfig(microphone_hz=4000.0, background_s=2.0)
BRIEF = FailureModeConfig(microphone_hz=8000.0, background_s=2.0, noise=("pink",), gain_db=(), drive_db=())
THRESHOLDS = np.full(4, 0.3)


def song(pitch_hz: float, seconds: float, level: float = 0.1) -> NDArray[np.int16]:
    rng = np.random.default_rng(round(pitch_hz))
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    samples = level * np.sin(2 * np.pi * pitch_hz * time_s) + rng.normal(0, 0.001, len(time_s))
    return quantize(samples.astype(np.float32))


def recordings(per_species: int = 2) -> list[LabelledWaveform]:
    return [
        LabelledWaveform(f"{code}/{number}", code, song(pitch_hz * (1 + 0.01 * number), 1.5 + number))
        for code, pitch_hz in PITCH_HZ.items()
        for number in range(per_species)
    ]


def listener(waveform: NDArray[np.int16]) -> NDArray[np.float32]:
    """The share of a window's power that lies at each species' pitch."""
    windows = FrontEnd(SPEC).windows(waveform).astype(np.float64) / 32768
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    power[:, :200] = 0
    frequencies_hz = np.fft.rfftfreq(windows.shape[1], 1 / RATE_HZ)
    bands = [(frequencies_hz > 0.9 * pitch) & (frequencies_hz < 1.1 * pitch) for pitch in PITCH_HZ.values()]
    # A little is always there, so that silence has an answer.
    shares = np.stack([power[:, band].sum(axis=1) for band in bands], axis=1) / (power.sum(axis=1)[:, None] + 1e-3)
    return shares.astype(np.float32)


def trial(
    model: Any = listener, thresholds: Any = THRESHOLDS, config: FailureModeConfig = CONFIG, **given: Any
) -> FailureModes:
    return failure_modes(model, recordings(), SPEC, CLASSES, thresholds, config, **given)


@pytest.fixture(scope="module")
def tried() -> FailureModes:
    foreign = [LabelledWaveform("e/0", "e", song(2200.0, 2.0)), LabelledWaveform("e/1", "e", song(6400.0, 2.0))]
    backgrounds = [("forest", np.random.default_rng(0).integers(-300, 300, 60 * RATE_HZ).astype(np.int16))]
    return trial(foreign=foreign, backgrounds=iter(backgrounds))


def test_failure_modes__clean_is_what_the_rest_is_held_against(tried: FailureModes) -> None:
    assert (tried.clean.top1, tried.clean.macro_map, tried.clean.named) == (1.0, 1.0, 1.0)
    assert (tried.clean.top1_change, tried.clean.macro_map_change) == (0.0, 0.0)
    assert tried.clean.n_recordings == 8
    for one in tried.conditions:
        assert one.n_recordings == 8
        assert one.top1_change == pytest.approx(one.top1 - 1.0)
        assert one.macro_map_change == pytest.approx(one.macro_map - 1.0)


def test_failure_modes__tries_all_that_the_configuration_lists(tried: FailureModes) -> None:
    assert [one.name for one in tried.conditions] == [
        *(f"{kind} noise at {snr_db} dB" for kind in ("white", "pink") for snr_db in (20, 10, 0)),
        "gain -30 dB",
        "gain -20 dB",
        "gain +10 dB",
        "clipped 6 dB",
        "clipped 12 dB",
        "nothing above 4000 Hz",
    ]
    assert tried.not_tried == ()


def test_failure_modes__a_louder_noise_costs_more(tried: FailureModes) -> None:
    named = {one.name: one.named for one in tried.conditions}
    white = [named[f"white noise at {snr_db} dB"] or 0.0 for snr_db in (20, 10, 0)]
    assert white == sorted(white, reverse=True)
    assert white[0] > white[-1]


def test_failure_modes__a_cheap_microphone_loses_the_highest_species_alone(tried: FailureModes) -> None:
    microphone = tried.conditions[-1]
    assert microphone.top1 == pytest.approx(0.75)
    assert microphone.named == pytest.approx(0.75)


def test_failure_modes__two_at_once(tried: FailureModes) -> None:
    overlaid = tried.overlaid
    assert overlaid is not None
    assert (overlaid.n_pairs, overlaid.alone_top1) == (8, 1.0)
    # Both have half of the power: over the threshold of .3, before the other two.
    assert overlaid.both_in_top2 == overlaid.both_in_top5 == overlaid.both_named == overlaid.one_is_first == 1.0


def test_failure_modes__one_species_alone_cannot_be_overlaid() -> None:
    alone = [one for one in recordings() if one.code == "a"]
    result = failure_modes(listener, alone, SPEC, CLASSES, THRESHOLDS, BRIEF)
    assert result.overlaid is None
    assert "two recordings overlaid: only one species is at hand" in result.not_tried


def test_failure_modes__silence_and_backgrounds_name_nothing(tried: FailureModes) -> None:
    nothing = {one.name: one for one in tried.nothing_to_name}
    assert list(nothing) == [
        "digital silence",
        "noise at -80 dBFS",
        "made background: pink",
        "made background: brown",
        "made background: rain",
        "real backgrounds",
        "animals outside the class list",
    ]
    for one in list(nothing.values())[:6]:
        assert (one.false_alarms_per_hour, one.windows_named, one.n_not_finite) == (0.0, 0.0, 0)
        assert one.separation_auc == 1.0
        assert one.hours == pytest.approx(2 / 3600)
        assert one.n_windows == 2


def test_failure_modes__a_foreign_animal_with_a_species_pitch_is_a_false_alarm(tried: FailureModes) -> None:
    foreign = tried.nothing_to_name[-1]
    assert (foreign.n_waveforms, foreign.n_windows) == (2, 4)
    # One of the two sings at the pitch of d: two windows of four seconds.
    assert foreign.windows_named == 0.5
    assert foreign.false_alarms_per_hour == pytest.approx(2 / (4 / 3600))
    assert foreign.top_probability["q05"] < 0.1 < 0.9 < foreign.top_probability["q95"]


def test_failure_modes__values_that_are_no_numbers_in_silence_are_counted() -> None:
    def divides_by_power(waveform: NDArray[np.int16]) -> NDArray[np.float32]:
        answer = listener(waveform)
        return np.where(FrontEnd(SPEC).windows(waveform).any(axis=1)[:, None], answer, np.nan).astype(np.float32)

    silence, quiet, *_ = trial(divides_by_power, config=BRIEF).nothing_to_name
    assert silence.n_not_finite == 2 * 4
    assert silence.false_alarms_per_hour == 0.0
    assert quiet.n_not_finite == 0


def test_failure_modes__values_that_are_no_numbers_in_recordings_are_an_error() -> None:
    with pytest.raises(ModelError, match=r"recording ./. \(as recorded\) with values that are not numbers"):
        trial(lambda waveform: listener(waveform) * np.float32(np.nan))


def test_failure_modes__without_thresholds_nothing_is_named() -> None:
    result = trial(thresholds=None, config=BRIEF)
    assert result.clean.named is None
    assert result.overlaid is not None
    assert result.overlaid.both_named is None
    assert all(one.false_alarms_per_hour is None for one in result.nothing_to_name)
    assert result.nothing_to_name[0].separation_auc == 1.0


def test_failure_modes__what_is_not_at_hand_is_said() -> None:
    not_tried = trial(config=BRIEF).not_tried
    assert any(reason.startswith("nothing above 8000 Hz") for reason in not_tried)
    assert "real backgrounds: no recordings were given" in not_tried
    assert "animals outside the class list: no recordings were given" in not_tried


def test_failure_modes__a_folder_of_thousands_of_backgrounds_is_not_all_read() -> None:
    read = []

    def backgrounds() -> Iterator[tuple[str, NDArray[np.int16]]]:
        for number in range(1000):
            read.append(number)
            yield str(number), np.full(9, number, np.int16)

    result = trial(config=BRIEF.model_copy(update={"max_backgrounds": 3}), backgrounds=backgrounds())
    assert read == [0, 1, 2]
    assert result.nothing_to_name[-1].n_waveforms == 3


def test_failure_modes__is_repeatable_and_plain_for_json(tried: FailureModes) -> None:
    facts = json.loads(json.dumps(tried.to_dict(), allow_nan=False))
    assert facts["conditions"][0]["name"] == "white noise at 20 dB"
    again = trial(config=BRIEF)
    assert again.conditions == tried.conditions[3:6]
    assert again.nothing_to_name == tried.nothing_to_name[:5]
    other = trial(config=BRIEF.model_copy(update={"seed": 1}))
    assert other.nothing_to_name[2] != again.nothing_to_name[2]


def test_failure_modes__recordings_that_do_not_fit_are_named() -> None:
    with pytest.raises(DataError, match="e/0 is of 'e', which is no class"):
        failure_modes(listener, [("e/0", "e", song(900.0, 1.0))], SPEC, CLASSES)
    with pytest.raises(DataError, match="a/9 is of 'a', a class of the model"):
        trial(foreign=[("a/9", "a", song(900.0, 1.0))])
    with pytest.raises(DataError, match="need recordings with sound"):
        failure_modes(listener, [("a/0", "a", np.zeros(99, np.int16))], SPEC, CLASSES)


# Which recordings


def test_draw_sample__few_by_hash_whatever_their_order_and_cut() -> None:
    config = CONFIG.model_copy(update={"max_recordings": 5, "max_recording_s": 2.0})
    sample = draw_sample(recordings(), SPEC, config)
    assert len(sample) == 5
    assert [one.recording_id for one in draw_sample(reversed(recordings()), SPEC, config)] == [
        one.recording_id for one in sample
    ]
    assert max(len(one.waveform) for one in sample) == 2 * RATE_HZ
    other = draw_sample(recordings(), SPEC, config.model_copy(update={"seed": 1}))
    assert [one.recording_id for one in other] != [one.recording_id for one in sample]


def test_draw_sample__more_recordings_change_little_and_silent_ones_nothing() -> None:
    config = CONFIG.model_copy(update={"max_recordings": 6})
    few, many = (
        {one.recording_id for one in draw_sample(some, SPEC, config)} for some in (recordings(2), recordings(3))
    )
    # Only what is new takes a place: none that was drawn leaves for one that was at hand before.
    assert many <= few | {f"{code}/2" for code in PITCH_HZ}
    silent = LabelledWaveform("s", "a", np.zeros(99, np.int16))
    assert "s" not in {one.recording_id for one in draw_sample([silent, *recordings()], SPEC, CONFIG)}


def test_degradations__noise_of_a_recording_does_not_depend_on_the_others() -> None:
    change = degradations(SPEC, CONFIG)["pink noise at 0 dB"]
    one, other = recordings()[:2]
    np.testing.assert_array_equal(change(one), change(one))
    assert not np.array_equal(change(one), change(one._replace(recording_id="another")))
    assert len(change(other)) == len(other.waveform)
