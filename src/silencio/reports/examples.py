"""Examples of answers: which test recordings are shown, and the model's predictions of them over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from silencio.data.shards import ShardSet
from silencio.evaluation.window_model import WindowModel
from silencio.taxonomy import ClassList

_MAX_S = 20.0
_TOP = 3


@dataclass(frozen=True)
class SpeciesPrediction:
    """What the model predicts for one species.

    Attributes:
        code: Code of the species.
        probability: Probability of the whole recording.
        windows: Probability in each window that is shown, (n_windows,).
    """

    code: str
    probability: float
    windows: NDArray[np.floating]


@dataclass(frozen=True)
class Example:
    """A test recording with its answer.

    Attributes:
        answer: Its entry of `Evaluation.answers`.
        waveform: What is shown of it, int16 (n_samples,).
        begin_s: Seconds into the recording at which that begins.
        duration_s: Length of the whole recording.
        starts_s: Seconds into the recording at which each window that is shown begins.
        predicted: The three most probable species, and the right one where it is not among them.
    """

    answer: Mapping[str, Any]
    waveform: NDArray[np.int16]
    begin_s: float
    duration_s: float
    starts_s: tuple[float, ...]
    predicted: tuple[SpeciesPrediction, ...]

    @property
    def is_right(self) -> bool:
        return bool(self.answer["primary_label"] == self.answer["predicted"])


def choose(answers: Sequence[Mapping[str, Any]], classes: ClassList) -> list[Mapping[str, Any]]:
    """One right and one wrong answer of each taxon class, as far as there are.

    Not the best ones: of the right answers the one with the middle probability, of the wrong ones the one that the
    model was surest of.
    """
    chosen = []
    taxa = {species.code: species.class_name for species in classes}
    for taxon in sorted({taxa[one["primary_label"]] for one in answers}):
        own = [one for one in answers if taxa[one["primary_label"]] == taxon]
        right = _by_probability(one for one in own if one["primary_label"] == one["predicted"])
        wrong = _by_probability(one for one in own if one["primary_label"] != one["predicted"])
        chosen += right[len(right) // 2 :][:1] + wrong[-1:]
    return chosen


def make_example(answer: Mapping[str, Any], test: ShardSet, predict: WindowModel, classes: ClassList) -> Example:
    """Ask the model once more, to show its answer over time.

    Of a long recording those windows are shown in which the species that was named is most probable.
    """
    position = int(np.flatnonzero(test.table["recording_id"] == answer["recording_id"])[0])
    waveform, spec, starts = test.waveform(position), test.spec, test.window_starts(position)
    probabilities = predict(waveform)
    n_shown = max(1, int((_MAX_S - spec.window_s) / spec.hop_s + 1e-9) + 1)
    named = probabilities[:, classes.index[answer["predicted"]]]
    first = int(np.convolve(named, np.ones(n_shown), "valid").argmax()) if len(named) > n_shown else 0
    shown = starts[first : first + n_shown]
    begin, end = shown[0], shown[-1] + spec.window_samples
    scores, windows = probabilities.mean(axis=0), probabilities[first : first + n_shown]
    columns = [int(column) for column in np.argsort(-scores, kind="stable")[:_TOP]]
    truth = classes.index[answer["primary_label"]]
    columns += [truth] if truth not in columns else []
    return Example(
        answer=answer,
        waveform=np.asarray(waveform[begin:end]),
        begin_s=begin / spec.sample_rate_hz,
        duration_s=len(waveform) / spec.sample_rate_hz,
        starts_s=tuple(start / spec.sample_rate_hz for start in shown),
        predicted=tuple(
            SpeciesPrediction(classes.codes[column], float(scores[column]), windows[:, column]) for column in columns
        ),
    )


def _by_probability(answers: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(answers, key=lambda one: (one["probability"], one["recording_id"]))
