"""Spectrograms of examples, with the model's predictions below them on the same axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from silencio.features import FeatureSpec
from silencio.reports.examples import Example, SpeciesPrediction
from silencio.reports.markup import Markup, tag
from silencio.reports.sound_picture import AXIS, LEFT, PICTURE, TOP, WIDTH, Plot, drawing
from silencio.reports.wording import percent, species_name
from silencio.taxonomy import ClassList

_LINE, _CELL = 34.0, 14.0


def spectrogram(example: Example, spec: FeatureSpec, classes: ClassList, picture_png: bytes | None = None) -> Markup:
    """Frequency over time as the model gets it, and the probabilities of its windows.

    Args:
        example: Recording with its predictions.
        spec: Feature specification of the model.
        classes: What its outputs mean.
        picture_png: In place of the plain picture: the same with something drawn over it.
    """
    duration_s = len(example.waveform) / spec.sample_rate_hz
    plot = Plot(example.begin_s, max(duration_s, 0.01))
    height = TOP + PICTURE + AXIS + _LINE * len(example.predicted)
    lines = [
        part
        for number, predicted in enumerate(example.predicted)
        for part in _caption(predicted, example, plot, spec, classes, TOP + PICTURE + AXIS + number * _LINE)
    ]
    right = species_name(example.answer["primary_label"], classes)
    words = f"Spectrogram of a recording of {right}, {duration_s:.1f} s. " + " ".join(
        f"{species_name(predicted.code, classes)}: {percent(predicted.probability)}." for predicted in example.predicted
    )
    return tag(
        "svg",
        *drawing(example.waveform, spec, plot, picture_png),
        *lines,
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        class_="example",
        role="img",
        aria_label=words,
    )


def _caption(
    predicted: SpeciesPrediction, example: Example, plot: Plot, spec: FeatureSpec, classes: ClassList, top: float
) -> list[Markup]:
    is_truth = predicted.code == example.answer["primary_label"]
    name = f"{species_name(predicted.code, classes)} {percent(predicted.probability)}"
    mark, look = ("\N{CHECK MARK} ", "truth label") if is_truth else ("", "label")
    parts = [tag("text", mark + name, x=LEFT, y=top + 11, class_=look)]
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
