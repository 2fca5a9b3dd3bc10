"""The picture of a sound with what of it drove a prediction laid over it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from silencio.explanations.occlusion import Explanation
from silencio.features import FeatureSpec
from silencio.features.mel import hz_to_mel
from silencio.reports.markup import Markup, tag
from silencio.reports.png import palette_png
from silencio.reports.sound_picture import AXIS, PALETTE, PICTURE, TOP, WIDTH, Plot, drawing, shades

_OVERLAY = (226, 88, 10)
# Steps of the overlay, so that a palette of 256 colours holds it on every shade of the sound.
_N_STEPS = 6
_MAX_OPACITY = 0.7
# Of the greatest importance: what is less would tint all of the picture.
_SHOWN_SHARE = 0.2


def importance_picture(
    waveform: NDArray[np.int16],
    spec: FeatureSpec,
    explanation: Explanation,
    label: str,
    *,
    begin_s: float = 0.0,
    window_s: float | None = None,
) -> Markup:
    """A spectrogram with axes, and the important regions of one window in orange.

    Args:
        waveform: What is shown, (n_samples,) at the specification's rate.
        spec: Feature specification of the model.
        explanation: Explanation of one window in it.
        label: What a screen reader reads out.
        begin_s: Seconds into the recording at which the picture begins.
        window_s: Seconds into the recording at which the window begins; by default where the picture does.
    """
    plot = Plot(begin_s, max(len(waveform) / spec.sample_rate_hz, 0.01))
    height = TOP + PICTURE + AXIS
    offset_s = 0.0 if window_s is None else window_s - begin_s
    drawn = drawing(waveform, spec, plot, importance_png(waveform, spec, explanation, offset_s))
    return tag("svg", *drawn, viewBox=f"0 0 {WIDTH:g} {height:g}", class_="example", role="img", aria_label=label)


def importance_png(
    waveform: NDArray[np.int16], spec: FeatureSpec, explanation: Explanation, offset_s: float = 0.0
) -> bytes:
    """The same without axes: time to the right, frequency upwards on the model's own scale.

    Args:
        waveform: What is shown, (n_samples,) at the specification's rate.
        spec: Feature specification of the model.
        explanation: Explanation of one window in it; what has less than a fifth of the greatest importance is not
            shown.
        offset_s: Seconds into `waveform` at which the window begins.
    """
    shade = shades(waveform, spec)
    opacity = _opacity(explanation, spec, shade.shape, len(waveform) / spec.sample_rate_hz, offset_s)
    step = (opacity * (_N_STEPS - 1)).round().astype(int)
    level = (shade * (len(PALETTE) - 1)).round().astype(int)
    return palette_png((level * _N_STEPS + step).astype(np.uint8)[::-1], _palette())


def _opacity(
    explanation: Explanation, spec: FeatureSpec, shape: tuple[int, ...], shown_s: float, offset_s: float
) -> NDArray[np.float64]:
    """Of the overlay, 0 to 1, on the points of the picture: from middle to middle of the cells without a step."""
    shares = explanation.importance / max(float(explanation.importance.max()), 1e-12)
    weights = np.clip((shares - _SHOWN_SHARE) / (1.0 - _SHOWN_SHARE), 0.0, 1.0)
    n_rows, n_columns = shape
    times_s = (np.arange(n_columns) + 0.5) / n_columns * shown_s - offset_s
    edges_s, edges_mel = explanation.time_edges_s, np.array([hz_to_mel(hz) for hz in explanation.freq_edges_hz])
    mels = np.linspace(hz_to_mel(spec.f_min_hz), hz_to_mel(spec.f_max_hz), n_rows)
    by_time = np.stack([np.interp(times_s, (edges_s[1:] + edges_s[:-1]) / 2, row) for row in weights])
    both = np.stack([np.interp(mels, (edges_mel[1:] + edges_mel[:-1]) / 2, column) for column in by_time.T], axis=1)
    is_outside = (times_s < edges_s[0]) | (times_s > edges_s[-1])
    return np.where(is_outside, 0.0, both)


def _palette() -> list[tuple[int, int, int]]:
    mixed = []
    for shade in PALETTE:
        for step in range(_N_STEPS):
            share = _MAX_OPACITY * step / (_N_STEPS - 1)
            red, green, blue = (round((1 - share) * a + share * b) for a, b in zip(shade, _OVERLAY, strict=True))
            mixed.append((red, green, blue))
    return mixed
