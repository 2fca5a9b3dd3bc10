"""What a prediction rests on, laid over the picture of the sound."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from silencio.explanations.occlusion import Explanation
from silencio.explanations.regions import RegionGrid
from silencio.features import FeatureSpec
from silencio.reports.importance_picture import importance_picture, importance_png
from silencio.reports.inputs import ReportInputs
from silencio.reports.sections.examples import examples

SPEC = FeatureSpec(sample_rate_hz=16000, window_s=2.0, hop_s=2.0, n_fft=512, hop_length=256, n_mels=32, f_max_hz=8000.0)
GRID = RegionGrid(n_freq_cells=4, n_time_cells=4)
NOISE = np.random.default_rng(0).normal(0, 300, 5 * 16_000).astype(np.int16)


def explanation(*cells: tuple[int, int], by: float = 0.5) -> Explanation:
    importance = np.zeros(GRID.shape)
    for cell in cells:
        importance[cell] = by
    return Explanation(importance, 0.9, GRID.freq_edges_hz(SPEC), GRID.time_edges_s(SPEC), n_scored=1)


def orange(png: bytes) -> NDArray[np.float64]:
    """How much redder than blue each pixel is, the top row first."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(float)
    return pixels[:, :, 0] - pixels[:, :, 2]


@pytest.mark.parametrize(("offset_s", "expected_s"), [(0.0, 0.25), (2.0, 2.25)])
def test_importance__lies_at_its_time_and_frequency(offset_s: float, expected_s: float) -> None:
    shown = orange(importance_png(NOISE, SPEC, explanation((3, 0)), offset_s))
    row, column = np.unravel_index(shown.argmax(), shown.shape)
    assert row < shown.shape[0] / 4  # the highest frequencies are at the top
    begin, end = (expected_s - 0.26) / 5 * shown.shape[1], (expected_s + 0.26) / 5 * shown.shape[1]
    assert begin <= column <= end
    outside = np.concatenate([shown[:, : max(0, int(begin) - 30)], shown[:, int(end) + 60 :]], axis=1)
    assert outside.max() < 0.3 * shown.max()


def test_importance__what_speaks_against_is_not_shown() -> None:
    png = importance_png(NOISE, SPEC, explanation((1, 1), by=-0.5))
    assert orange(png).max() <= orange(importance_png(NOISE, SPEC, explanation())).max()


def test_importance__of_little_is_not_shown() -> None:
    most = explanation((3, 0))
    little = replace(most, importance=most.importance + 0.1 * (most.importance == 0))
    np.testing.assert_array_equal(
        orange(importance_png(NOISE, SPEC, most)), orange(importance_png(NOISE, SPEC, little))
    )


def test_importance__of_a_padded_recording_is_shown_as_far_as_it_goes() -> None:
    shown = orange(importance_png(NOISE[:8_000], SPEC, explanation((0, 0), (3, 3))))
    assert shown[-1].max() > shown[0].max()  # the last cell lies beyond the half second that there is


def test_picture__is_named_for_a_screen_reader() -> None:
    assert 'aria-label="Kiskadee &lt;b&gt;"' in importance_picture(NOISE, SPEC, explanation((1, 1)), "Kiskadee <b>")


def test_examples__show_what_the_answer_rests_on(inputs: ReportInputs) -> None:
    plain = examples(inputs)
    n_scored = []

    def score_windows(windows: NDArray[np.int16]) -> NDArray[np.float32]:
        n_scored.append(len(windows))
        assert inputs.predict is not None
        return np.concatenate([inputs.predict(window) for window in windows])

    explained = examples(replace(inputs, score_windows=score_windows))
    assert plain is not None
    assert explained is not None
    assert "Orange is what" in explained.body
    assert "Orange is what" not in plain.body
    assert explained.body.count("<figure") == plain.body.count("<figure") == 4
    # 48 cells, 6 bands and 8 moments both ways, the whole and the quiet window, of each of four examples; and their
    # own windows, of which the longest has ten that are shown.
    assert 4 * (48 + 2 * 14 + 2) < sum(n_scored) <= 4 * (48 + 2 * 14 + 2 + 10)
