"""Spectrograms of examples, with the model's predictions below them on the same axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from silencio.audio import dequantize
from silencio.features import FeatureSpec, LogMel
from silencio.features.mel import hz_to_mel
from silencio.reports.examples import Example, SpeciesPrediction
from silencio.reports.markup import Markup, tag
from silencio.reports.png import data_uri, palette_png, ramp
from silencio.reports.wording import percent, species_name
from silencio.taxonomy import ClassList

_WIDTH, _LEFT, _RIGHT, _TOP, _PICTURE = 380.0, 34.0, 8.0, 14.0, 150.0
_LINE, _CELL = 34.0, 14.0
_MAX_COLUMNS = 480
# From the page's own white to its dark green; turned round by the style sheet where the page is dark.
_PALETTE = ramp([(255, 255, 255), (184, 212, 199), (63, 125, 95), (8, 34, 22)], 40)
_QUIET, _LOUD = 25.0, 99.7
_TICKS_HZ = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0, 32000.0, 64000.0)
_STEPS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def spectrogram(example: Example, spec: FeatureSpec, classes: ClassList) -> Markup:
    """Frequency over time as the model gets it, and the probabilities of its windows."""
    duration_s = len(example.waveform) / spec.sample_rate_hz
    plot = _Plot(example.begin_s, max(duration_s, 0.01))
    picture = tag(
        "image",
        href=data_uri(_picture(example.waveform, spec)),
        x=_LEFT,
        y=_TOP,
        width=plot.width,
        height=_PICTURE,
        preserveAspectRatio="none",
        class_="spectrogram",
    )
    frame = tag("rect", x=_LEFT, y=_TOP, width=plot.width, height=_PICTURE, class_="frame")
    height = _TOP + _PICTURE + 36 + _LINE * len(example.predicted)
    lines = [
        part
        for number, predicted in enumerate(example.predicted)
        for part in _caption(predicted, example, plot, spec, classes, _TOP + _PICTURE + 36 + number * _LINE)
    ]
    right = species_name(example.answer["primary_label"], classes)
    words = f"Spectrogram of a recording of {right}, {duration_s:.1f} s. " + " ".join(
        f"{species_name(predicted.code, classes)}: {percent(predicted.probability)}." for predicted in example.predicted
    )
    return tag(
        "svg",
        picture,
        frame,
        *_axes(plot, spec),
        *lines,
        viewBox=f"0 0 {_WIDTH:g} {height:g}",
        class_="example",
        role="img",
        aria_label=words,
    )


class _Plot:
    """Where a time stands."""

    def __init__(self, begin_s: float, duration_s: float) -> None:
        self.begin_s, self.end_s = begin_s, begin_s + duration_s
        self.width = _WIDTH - _LEFT - _RIGHT

    def x(self, time_s: float) -> float:
        share = (min(max(time_s, self.begin_s), self.end_s) - self.begin_s) / (self.end_s - self.begin_s)
        return _LEFT + share * self.width


def _picture(waveform: NDArray[np.int16], spec: FeatureSpec) -> bytes:
    decibels = LogMel(spec).decibels(dequantize(waveform))
    n_columns = min(decibels.shape[1], _MAX_COLUMNS)
    # Of several frames in one column the loudest is seen: a click must not vanish.
    columns = np.stack([part.max(axis=1) for part in np.array_split(decibels, n_columns, axis=1)], axis=1)
    quiet, loud = np.percentile(columns, [_QUIET, _LOUD])
    shade = np.clip((columns - quiet) / max(float(loud - quiet), 1.0), 0.0, 1.0)
    levels = (shade * (len(_PALETTE) - 1)).round().astype(np.uint8)
    return palette_png(levels[::-1], _PALETTE)


def _axes(plot: _Plot, spec: FeatureSpec) -> list[Markup]:
    parts = [tag("text", "kHz", x=_LEFT - 4, y=_TOP - 4, text_anchor="end", class_="tick")]
    low, high = hz_to_mel(spec.f_min_hz), hz_to_mel(spec.f_max_hz)
    above = _TOP + _PICTURE
    for hz in _TICKS_HZ:
        share = (hz_to_mel(hz) - low) / (high - low)
        y = _TOP + (1 - share) * _PICTURE
        if share > 0 and _TOP + 4 < y < above - 13:
            above = y
            parts.append(tag("text", f"{hz / 1000:g}", x=_LEFT - 5, y=y + 4, text_anchor="end", class_="tick"))
            parts.append(tag("line", x1=_LEFT - 3, x2=_LEFT, y1=y, y2=y, class_="axis"))
    step_s = next((step for step in _STEPS_S if (plot.end_s - plot.begin_s) / step <= 6), _STEPS_S[-1])
    bottom = _TOP + _PICTURE
    first, last = int(np.ceil(plot.begin_s / step_s - 1e-6)), int(plot.end_s / step_s + 1e-6)
    for number in range(first, last + 1):
        x = plot.x(number * step_s)
        parts.append(tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
        label = f"{number * step_s:g}" + (" s" if number == last else "")
        # At the right edge a label would stand over the picture's end.
        parts.append(tag("text", label, x=min(x, _WIDTH - 12), y=bottom + 16, text_anchor="middle", class_="tick"))
    return parts


def _caption(
    predicted: SpeciesPrediction, example: Example, plot: _Plot, spec: FeatureSpec, classes: ClassList, top: float
) -> list[Markup]:
    is_truth = predicted.code == example.answer["primary_label"]
    name = f"{species_name(predicted.code, classes)} {percent(predicted.probability)}"
    mark, look = ("\N{CHECK MARK} ", "truth label") if is_truth else ("", "label")
    parts = [tag("text", mark + name, x=_LEFT, y=top + 11, class_=look)]
    edges_s = [*_left_edges_s(example.starts_s, spec.hop_s), plot.end_s]
    for number, probability in enumerate(predicted.windows):
        left, right = plot.x(edges_s[number]), plot.x(edges_s[number + 1])
        place: dict[str, float] = {"x": left, "y": top + 15, "width": max(0.0, right - left - 1), "height": _CELL}
        parts.append(tag("rect", **place, class_="cell"))
        parts.append(tag("rect", **place, class_="heat", fill_opacity=float(probability)))
        if right - left > 26:
            x, y = (left + right) / 2, top + 15 + _CELL - 3.5
            parts.append(tag("text", percent(float(probability)), x=x, y=y, text_anchor="middle", class_="in-cell"))
    return parts


def _left_edges_s(starts_s: Sequence[float], hop_s: float) -> list[float]:
    """Where the bar of each window begins: at the window; of one that was moved back, amid what it shares."""
    moved = [(begin_s + before_s + hop_s) / 2 for before_s, begin_s in pairwise(starts_s)]
    return [*starts_s[:1], *moved]
