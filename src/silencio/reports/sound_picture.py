"""The picture of a sound: frequency over time as a model takes it in, on axes that other things are put on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from silencio.audio import dequantize
from silencio.features import FeatureSpec, LogMel
from silencio.features.mel import hz_to_mel
from silencio.reports.markup import Markup, tag
from silencio.reports.png import data_uri, palette_png, ramp

WIDTH, LEFT, RIGHT, TOP, PICTURE = 380.0, 34.0, 8.0, 14.0, 150.0
AXIS = 36.0
_MAX_COLUMNS = 480
# From the page's own white to its dark green; turned round by the style sheet where the page is dark.
PALETTE = ramp([(255, 255, 255), (184, 212, 199), (63, 125, 95), (8, 34, 22)], 40)
_QUIET, _LOUD = 25.0, 99.7
_TICKS_HZ = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0, 32000.0, 64000.0)
_STEPS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Plot:
    """Where a time stands."""

    def __init__(self, begin_s: float, duration_s: float) -> None:
        self.begin_s, self.end_s = begin_s, begin_s + duration_s
        self.width = WIDTH - LEFT - RIGHT

    def x(self, time_s: float) -> float:
        share = (min(max(time_s, self.begin_s), self.end_s) - self.begin_s) / (self.end_s - self.begin_s)
        return LEFT + share * self.width


def sound_picture(waveform: NDArray[np.int16], spec: FeatureSpec, begin_s: float, label: str) -> Markup:
    """The picture with its axes, and nothing else.

    Args:
        waveform: (n_samples,) at the specification's rate.
        spec: Feature specification of the model.
        begin_s: Seconds into the recording at which it begins.
        label: What a screen reader says of it.
    """
    plot = Plot(begin_s, max(len(waveform) / spec.sample_rate_hz, 0.01))
    height = TOP + PICTURE + AXIS
    drawn = drawing(waveform, spec, plot)
    return tag("svg", *drawn, viewBox=f"0 0 {WIDTH:g} {height:g}", class_="example", role="img", aria_label=label)


def drawing(
    waveform: NDArray[np.int16], spec: FeatureSpec, plot: Plot, picture_png: bytes | None = None
) -> list[Markup]:
    """Picture, frame and axes, to be put into an SVG of this module's width.

    Args:
        waveform: (n_samples,) at the specification's rate.
        spec: Feature specification of the model.
        plot: Where a time stands.
        picture_png: In place of the plain picture: the same with something drawn over it.
    """
    picture = tag(
        "image",
        href=data_uri(picture_png or _picture(waveform, spec)),
        x=LEFT,
        y=TOP,
        width=plot.width,
        height=PICTURE,
        preserveAspectRatio="none",
        class_="spectrogram",
    )
    frame = tag("rect", x=LEFT, y=TOP, width=plot.width, height=PICTURE, class_="frame")
    return [picture, frame, *_axes(plot, spec)]


def shades(waveform: NDArray[np.int16], spec: FeatureSpec) -> NDArray[np.float32]:
    """How dark each point of the picture is, 0 to 1, (n_mels, n_columns), the lowest frequency first."""
    decibels = LogMel(spec).decibels(dequantize(waveform))
    n_columns = min(decibels.shape[1], _MAX_COLUMNS)
    # Of several frames in one column the loudest is seen: a click must not vanish.
    columns = np.stack([part.max(axis=1) for part in np.array_split(decibels, n_columns, axis=1)], axis=1)
    quiet, loud = np.percentile(columns, [_QUIET, _LOUD])
    return np.asarray(np.clip((columns - quiet) / max(float(loud - quiet), 1.0), 0.0, 1.0), np.float32)


def _picture(waveform: NDArray[np.int16], spec: FeatureSpec) -> bytes:
    levels = (shades(waveform, spec) * (len(PALETTE) - 1)).round().astype(np.uint8)
    return palette_png(levels[::-1], PALETTE)


def _axes(plot: Plot, spec: FeatureSpec) -> list[Markup]:
    parts = [tag("text", "kHz", x=LEFT - 4, y=TOP - 4, text_anchor="end", class_="tick")]
    low, high = hz_to_mel(spec.f_min_hz), hz_to_mel(spec.f_max_hz)
    above = TOP + PICTURE
    for hz in _TICKS_HZ:
        share = (hz_to_mel(hz) - low) / (high - low)
        y = TOP + (1 - share) * PICTURE
        if share > 0 and TOP + 4 < y < above - 13:
            above = y
            parts.append(tag("text", f"{hz / 1000:g}", x=LEFT - 5, y=y + 4, text_anchor="end", class_="tick"))
            parts.append(tag("line", x1=LEFT - 3, x2=LEFT, y1=y, y2=y, class_="axis"))
    step_s = next((step for step in _STEPS_S if (plot.end_s - plot.begin_s) / step <= 6), _STEPS_S[-1])
    bottom = TOP + PICTURE
    first, last = int(np.ceil(plot.begin_s / step_s - 1e-6)), int(plot.end_s / step_s + 1e-6)
    for number in range(first, last + 1):
        x = plot.x(number * step_s)
        parts.append(tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
        label = f"{number * step_s:g}" + (" s" if number == last else "")
        # At the right edge a label would stand over the picture's end.
        parts.append(tag("text", label, x=min(x, WIDTH - 12), y=bottom + 16, text_anchor="middle", class_="tick"))
    return parts
