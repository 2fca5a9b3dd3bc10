"""A model's predictions of soundscapes, in rows of one window's length, as BirdCLEF has them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from silencio.audio import window_starts
from silencio.data.annotations import MIN_OVERLAP_S, Annotation, rows_s
from silencio.data.soundscapes import AnnotatedSoundscape
from silencio.detections.merging import merge_windows
from silencio.errors import DataError
from silencio.evaluation.window_model import EvaluatedModel, WindowModel
from silencio.features import FeatureSpec
from silencio.taxonomy import ClassList


@dataclass(frozen=True)
class SoundscapeScores:
    """A model's predictions of each row, and what was there.

    Attributes:
        rows: `soundscape`, `begin_s`, `end_s`, `background` (`real` or `made`), `n_species` of the class list that
            count in the row, `has_animal` (any annotation touches the row, of whatever species and however briefly),
            `snr_db` of the loudest call that counts (not a number where unknown).
        scores: float32, (n_rows, n_classes).
        targets: Whether a species counts in a row, bool (n_rows, n_classes).
        snr_db: Level of that species' loudest call in that row over the background, float32 (n_rows, n_classes); not a
            number where it does not count or is unknown.
        soundscapes: Soundscapes without their sound: `name`, `site`, `start`, `duration_s`, `background`,
            `annotations`.
    """

    rows: pd.DataFrame
    scores: NDArray[np.float32]
    targets: NDArray[np.bool_]
    snr_db: NDArray[np.float32]
    soundscapes: tuple[dict[str, Any], ...]


def score_soundscapes(
    model: WindowModel,
    soundscapes: Iterable[AnnotatedSoundscape],
    spec: FeatureSpec,
    classes: ClassList,
    min_overlap_s: float = MIN_OVERLAP_S,
) -> SoundscapeScores:
    """Ask a model about soundscapes, one at a time.

    A row is as long as a window and begins where the last one ended, so a hop as long as the window gives each row
    its own window. A row's score is defined by `row_scores`, its species by `Annotation.counts_between`.

    Raises:
        DataError: No soundscape, or one of another rate.
        ModelError: The model's answer does not fit.
    """
    evaluated = EvaluatedModel(model, spec, classes)
    rows: list[dict[str, Any]] = []
    scores: list[NDArray[np.float32]] = []
    snr: list[NDArray[np.float32]] = []
    targets: list[NDArray[np.bool_]] = []
    described: list[dict[str, Any]] = []
    for one in soundscapes:
        if one.sample_rate_hz != spec.sample_rate_hz:
            raise DataError(f"soundscape {one.name} has {one.sample_rate_hz} Hz, the spec {spec.sample_rate_hz} Hz")
        waveform = one.waveform()
        probabilities = evaluated.windows(waveform, f"soundscape {one.name}")
        duration_s = len(waveform) / spec.sample_rate_hz
        places = rows_s(duration_s, spec.window_s)
        scores.append(row_scores(probabilities, len(places), window_starts(len(waveform), spec), spec))
        here, levels = _truth(one.annotations, places, classes, min_overlap_s)
        targets.append(here)
        snr.append(levels)
        described.append(_described(one, duration_s))
        for number, (begin_s, end_s) in enumerate(places):
            known = levels[number][np.isfinite(levels[number])]
            rows.append(
                {
                    "soundscape": one.name,
                    "begin_s": begin_s,
                    "end_s": min(end_s, duration_s),
                    "background": "real" if one.has_real_background else "made",
                    "n_species": int(here[number].sum()),
                    "has_animal": any(call.overlap_s(begin_s, end_s) > 0 for call in one.annotations),
                    "snr_db": float(known.max()) if len(known) else math.nan,
                }
            )
    if not rows:
        raise DataError("no soundscapes were given")
    return SoundscapeScores(
        pd.DataFrame(rows), np.concatenate(scores), np.concatenate(targets), np.concatenate(snr), tuple(described)
    )


def joined(parts: Sequence[SoundscapeScores]) -> SoundscapeScores:
    """Several models' predictions, each of soundscapes of its own, as one."""
    return SoundscapeScores(
        rows=pd.concat([one.rows for one in parts], ignore_index=True),
        scores=np.concatenate([one.scores for one in parts]),
        targets=np.concatenate([one.targets for one in parts]),
        snr_db=np.concatenate([one.snr_db for one in parts]),
        soundscapes=tuple(facts for one in parts for facts in one.soundscapes),
    )


def row_scores(
    probabilities: NDArray[np.float32], n_rows: int, starts: Sequence[int], spec: FeatureSpec
) -> NDArray[np.float32]:
    """Windows to rows: the mean of the windows of which at least half lies in the row.

    With a hop as long as the window that is the one window which is the row, and a last window that was moved back
    where half of it lies there. Where no window fits (a last row that hardly has any sound), the nearest one counts.

    Args:
        probabilities: (n_windows, n_classes).
        n_rows: Rows of the spec's window length.
        starts: The sample at which each window begins.
        spec: Feature spec, for the window's length.

    Returns:
        float32, (n_rows, n_classes).
    """
    row_begins = np.arange(n_rows) * spec.window_samples
    apart = np.abs(row_begins[:, None] - np.asarray(starts)[None, :])
    inside = apart <= np.maximum(spec.window_samples / 2, apart.min(axis=1, keepdims=True))
    return np.asarray(inside / inside.sum(axis=1, keepdims=True) @ probabilities, np.float32)


def timelines(scores: SoundscapeScores, classes: ClassList, thresholds: NDArray[np.floating]) -> list[dict[str, Any]]:
    """What was there and what the model named, soundscape by soundscape, for the report.

    Returns:
        For each soundscape `name`, `site`, `start`, `duration_s`, `background`, `annotations` (`code`, `begin_s`,
        `end_s`, `snr_db`, …) and `detections` (`code`, `begin_s`, `end_s`, `probability`, the highest): neighbouring
        rows in which a species is named are one detection. Plain values, for JSON.
    """
    number = scores.rows["soundscape"].factorize()[0]
    return [
        {**facts, "detections": _detections(scores, np.flatnonzero(number == position), classes, thresholds)}
        for position, facts in enumerate(scores.soundscapes)
    ]


def _truth(
    annotations: Sequence[Annotation], places: Sequence[tuple[float, float]], classes: ClassList, min_overlap_s: float
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    here = np.zeros((len(places), len(classes)), bool)
    snr_db = np.full(here.shape, np.nan, np.float32)
    for call in annotations:
        column = classes.index.get(call.code)
        if column is None:
            continue
        for number, (begin_s, end_s) in enumerate(places):
            if call.counts_between(begin_s, end_s, min_overlap_s):
                here[number, column] = True
                if call.snr_db is not None:
                    snr_db[number, column] = np.fmax(snr_db[number, column], call.snr_db)
    return here, snr_db


def _described(one: AnnotatedSoundscape, duration_s: float) -> dict[str, Any]:
    return {
        "name": one.name,
        "site": one.site,
        "start": one.start.isoformat() if one.start else None,
        "duration_s": duration_s,
        "background": one.background,
        "annotations": [asdict(call) for call in one.annotations],
    }


def _detections(
    scores: SoundscapeScores, rows: NDArray[np.integer], classes: ClassList, thresholds: NDArray[np.floating]
) -> list[dict[str, Any]]:
    begins_s, ends_s = (scores.rows[name].to_numpy(float)[rows].tolist() for name in ("begin_s", "end_s"))
    own = scores.scores[rows]
    # The first row is as long as every other, unless it is the only one and ends with the soundscape.
    merged = merge_windows(begins_s, ends_s[0] - begins_s[0], own, own >= thresholds, ends_s[-1])
    detections = [
        {"code": classes.codes[one.column], "begin_s": one.start_s, "end_s": one.end_s, "probability": one.highest}
        for one in merged
    ]
    return sorted(detections, key=lambda one: (one["begin_s"], -one["probability"]))
