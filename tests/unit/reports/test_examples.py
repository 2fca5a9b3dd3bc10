"""Which recordings are shown, and what is shown of them."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from silencio.data.shards import ShardSet
from silencio.features import FeatureSpec
from silencio.features.mel import hz_to_mel
from silencio.reports.examples import Example, SpeciesPrediction, choose, make_example
from silencio.reports.inputs import ReportInputs
from silencio.reports.spectrograms import spectrogram
from silencio.taxonomy import ClassList, Species

SPEC = FeatureSpec()
CLASSES = ClassList.of(
    Species(code=code, scientific_name="", common_name=f"Bird {code}", class_name="Aves") for code in "abcde"
)


def test_choose__one_right_and_one_wrong_of_each_kind(inputs: ReportInputs) -> None:
    chosen = [one["recording_id"] for one in choose(inputs.evaluation.answers, inputs.classes)]
    # Birds: the middle one of three right answers, the surer one of two wrong ones.
    assert chosen == ["grekis/2.ogg", "bobfly1/1.ogg", "1139490/1.ogg", "41970/1.ogg"]


def test_choose__of_nothing_is_nothing(inputs: ReportInputs) -> None:
    assert choose([], inputs.classes) == []


def _example(test: ShardSet, answer: dict, probabilities: np.ndarray, classes: ClassList) -> Example:
    return make_example(answer, test, lambda _: probabilities.astype(np.float32), classes)


@pytest.mark.parametrize("named_at", [0, 4, 14])
def test_example__of_a_long_recording_where_the_name_is_most_probable(
    inputs: ReportInputs, test_shards: ShardSet, named_at: int
) -> None:
    answer = next(one for one in inputs.evaluation.answers if one["recording_id"] == "grekis/2.ogg")
    probabilities = np.full((15, 4), 0.1)
    probabilities[named_at, inputs.classes.index["grekis"]] = 0.9
    made = _example(test_shards, answer, probabilities, inputs.classes)
    assert made.duration_s == 30.0
    assert len(made.waveform) == 20 * 16000
    assert made.begin_s <= 2 * named_at < made.begin_s + 20
    assert made.begin_s % 2 == 0
    named = next(shown for shown in made.predicted if shown.code == "grekis")
    assert named.windows.max() == pytest.approx(0.9)
    assert named.windows.argmax() == named_at - made.begin_s / 2
    assert named.probability == pytest.approx(probabilities[:, inputs.classes.index["grekis"]].mean())


def test_example__of_a_short_recording_is_all_of_it(inputs: ReportInputs, test_shards: ShardSet) -> None:
    answer = next(one for one in inputs.evaluation.answers if one["recording_id"] == "41970/1.ogg")
    made = _example(test_shards, answer, np.array([[0.1, 0.2, 0.3, 0.4]]), inputs.classes)
    assert len(made.waveform) == 8000
    assert made.begin_s == 0.0


def test_example__has_the_right_species_even_where_it_is_not_among_the_first(
    inputs: ReportInputs, test_shards: ShardSet
) -> None:
    answer = next(one for one in inputs.evaluation.answers if one["recording_id"] == "41970/1.ogg")
    scores = {"41970": 0.1, "grekis": 0.3, "bobfly1": 0.5, "1139490": 0.4}
    row = np.array([[scores[code] for code in inputs.classes.codes]])
    made = _example(test_shards, answer, row, inputs.classes)
    assert [shown.code for shown in made.predicted] == ["bobfly1", "1139490", "grekis", "41970"]
    assert not made.is_right


def _tone(hz: float, begin_s: float, end_s: float, duration_s: float = 10.0) -> np.ndarray:
    time_s = np.arange(round(duration_s * SPEC.sample_rate_hz)) / SPEC.sample_rate_hz
    sound = np.sin(2 * np.pi * hz * time_s) * ((time_s >= begin_s) & (time_s < end_s))
    return (0.5 * 32767 * sound + np.random.default_rng(0).normal(0, 20, len(time_s))).astype(np.int16)


def _drawn(waveform: np.ndarray, begin_s: float = 0.0, n_windows: int = 2) -> str:
    answer = {"recording_id": "x", "primary_label": "b", "predicted": "a", "probability": 0.7}
    shown = tuple(SpeciesPrediction(code, 0.5, np.linspace(0.2, 0.8, n_windows)) for code in "ab")
    starts_s = tuple(begin_s + 5.0 * number for number in range(n_windows))
    return spectrogram(Example(answer, waveform, begin_s, 60.0, starts_s, shown), SPEC, CLASSES)


@pytest.fixture(scope="module")
def drawn() -> str:
    """A tone, of which ten seconds from the 25th on are shown."""
    return _drawn(_tone(2000.0, 0.0, 10.0), begin_s=25.0)


def _pixels(svg: str) -> np.ndarray:
    content = re.search(r"base64,([^\"]+)", svg)
    assert content
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content[1]))).convert("L")) / 255


@pytest.mark.parametrize("hz", [1000.0, 4000.0, 12000.0])
def test_spectrogram__pitch_goes_upwards_and_time_to_the_right(hz: float) -> None:
    pixels = _pixels(_drawn(_tone(hz, 5.0, 10.0)))
    row = int(pixels[:, -200:].mean(axis=1).argmin())
    low, high = hz_to_mel(SPEC.f_min_hz), hz_to_mel(SPEC.f_max_hz)
    assert 1 - row / len(pixels) == pytest.approx((hz_to_mel(hz) - low) / (high - low), abs=0.03)
    assert pixels[row, : pixels.shape[1] // 2 - 10].mean() > pixels[row, pixels.shape[1] // 2 + 10 :].mean() + 0.5


def test_spectrogram__axes_are_seconds_of_the_recording_and_kilohertz(drawn: str) -> None:
    ticks = re.findall(r'class="tick">([^<]+)<', drawn)
    assert ticks[0] == "kHz"
    assert {"1", "2", "4", "8"} <= set(ticks)
    assert ticks[-5:] == ["26", "28", "30", "32", "34 s"]


def test_spectrogram__marks_the_right_species_in_words_too(drawn: str) -> None:
    assert "\N{CHECK MARK} Bird b 50\u202f%" in drawn
    assert "\N{CHECK MARK} Bird a" not in drawn
    assert 'aria-label="Spectrogram of a recording of Bird b, 10.0 s.' in drawn


def test_spectrogram__each_window_has_its_probability(drawn: str) -> None:
    assert drawn.count('class="heat"') == 4
    assert re.findall(r'class="in-cell">([^<]+)<', drawn) == ["20\u202f%", "80\u202f%"] * 2


def test_spectrogram__of_silence_and_of_a_single_sample_can_be_drawn() -> None:
    for waveform in (np.zeros(32000, np.int16), np.zeros(1, np.int16)):
        assert np.isfinite(_pixels(_drawn(waveform, n_windows=1))).all()


def test_spectrogram__a_last_window_that_was_moved_back_has_a_bar_that_holds_its_number() -> None:
    answer = {"recording_id": "x", "primary_label": "b", "predicted": "a", "probability": 0.7}
    shown = (SpeciesPrediction("b", 0.5, np.array([0.2, 0.8])),)
    svg = spectrogram(Example(answer, _tone(2000.0, 0.0, 5.0, 5.15), 0.0, 5.15, (0.0, 0.15), shown), SPEC, CLASSES)
    widths = [float(width) for width in re.findall(r'width="([0-9.]+)" [^>]*class="heat"', svg)]
    assert widths == pytest.approx([widths[0]] * 2, rel=0.01)
    assert re.findall(r'class="in-cell">([^<]+)<', svg) == ["20\u202f%", "80\u202f%"]
