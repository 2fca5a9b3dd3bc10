"""Example spectrograms of test recordings with the model's predictions."""

from __future__ import annotations

import numpy as np

from silencio.audio import cut_windows
from silencio.explanations.occlusion import explain_window
from silencio.explanations.regions import RegionGrid
from silencio.reports.document import Section, figure, prose
from silencio.reports.examples import Example, choose, make_example
from silencio.reports.importance_picture import importance_png
from silencio.reports.inputs import ReportInputs
from silencio.reports.markup import Markup, join, tag
from silencio.reports.spectrograms import spectrogram
from silencio.reports.wording import hours, one_of, percent

# Coarser than the command's: a report explains up to two recordings of each taxon class.
_GRID = RegionGrid(n_freq_cells=6, n_time_cells=8)


def examples(inputs: ReportInputs) -> Section | None:
    """One right and one wrong answer of each kind of animal."""
    if inputs.test is None or inputs.predict is None:
        return None
    made = [
        make_example(one, inputs.test, inputs.predict, inputs.classes)
        for one in choose(inputs.evaluation.answers, inputs.classes)
    ]
    if not made:
        return None
    intro = (
        "Strong colour is loud; time runs to the right, pitch upwards. Below each picture stand the three species that "
        "the model thought most probable, with its probability for each window; \N{CHECK MARK} marks the right one. Of "
        "each kind of animal there is one right answer, the one with the middle probability, and one wrong answer, the "
        "one that the model was surest of."
    )
    if inputs.score_windows is not None:
        intro += (
            " Orange is what the model's answer rests on, in the window in which it is most probable: without it, the "
            "probability falls."
        )
    pictures = tag("div", *(_shown(one, inputs) for one in made), class_="side examples")
    return Section("examples", "Examples from the test recordings", join(prose(intro), pictures))


def _shown(example: Example, inputs: ReportInputs) -> Markup:
    code = example.answer["primary_label"]
    species = inputs.classes[inputs.classes.index[code]]
    mark = ("\N{CHECK MARK} right", "right") if example.is_right else ("\N{BALLOT X} wrong", "wrong")
    predicted = "" if example.is_right else f", taken for {inputs.name(example.answer['predicted'])}"
    shown_s = len(example.waveform) / inputs.manifest.spec.sample_rate_hz
    part = "" if shown_s > example.duration_s - 0.05 else f"; {shown_s:.0f} s of {_length(example.duration_s)}"
    caption = join(
        tag("span", mark[0], class_=f"mark {mark[1]}"),
        " ",
        tag("b", inputs.name(code)),
        f" ({one_of(species.class_name)}){predicted}, {percent(float(example.answer['probability']))}{part}",
        tag("small", str(example.answer["recording_id"]), class_="file"),
    )
    return figure(spectrogram(example, inputs.manifest.spec, inputs.classes, _importance(example, inputs)), caption)


def _importance(example: Example, inputs: ReportInputs) -> bytes | None:
    """The picture with what the answer rests on; None where that is not known."""
    if inputs.score_windows is None:
        return None
    spec, score_windows = inputs.manifest.spec, inputs.score_windows
    column = inputs.classes.index[example.answer["predicted"]]
    windows = cut_windows(example.waveform, spec)
    number = int(score_windows(windows)[:, column].argmax())
    if np.ptp(windows[number]) == 0:
        return None
    found = explain_window(windows[number], spec, lambda some: score_windows(some)[:, column], _GRID)
    return importance_png(example.waveform, spec, found, example.starts_s[number] - example.begin_s)


def _length(duration_s: float) -> str:
    return hours(duration_s) if duration_s >= 120 else f"{duration_s:.0f} s"
