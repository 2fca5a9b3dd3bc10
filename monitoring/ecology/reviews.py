"""Judgements of people as what `silencio.ecology` counts: what was found of a species in a window."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from monitoring.ecology.files import read_rows
from silencio.ecology import Review, ReviewKey
from silencio.ecology.recordings import RecordingRows
from silencio.errors import DataError
from silencio.feedback import (
    JUDGEMENT_SCHEMA,
    UNKNOWN_SPECIES,
    Judgement,
    held_judgements,
    judgements_of,
    verdicts,
    window_id,
)

_MOMENT = TypeAdapter(AwareDatetime)


def read_judgements(path: Path) -> list[Judgement]:
    """Judgements of a file.

    Args:
        path: Parquet, or lines of JSON (`.jsonl`), with the columns of `silencio.feedback.JUDGEMENT_SCHEMA`.

    Raises:
        DataError: It cannot be read; the sentence names the row.
    """
    table = read_rows(path, "the file of judgements")
    place = table.schema.get_field_index("created_at")
    if place >= 0 and pa.types.is_string(table.schema.field(place).type):
        try:
            # In UTC: Arrow takes any other zone's hours for UTC's.
            times = [_MOMENT.validate_python(text).astimezone(UTC) for text in table["created_at"].to_pylist()]
        except ValidationError as error:
            raise DataError(
                f"{path}: created_at must be a time like 2026-05-08T05:40:00Z: {error.errors()[0]['input']}"
            ) from error
        table = table.set_column(place, "created_at", pa.array(times, JUDGEMENT_SCHEMA.field("created_at").type))
    try:
        return judgements_of(table)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def reviews_of(judgements: Iterable[Judgement], rows: RecordingRows) -> dict[ReviewKey, Review]:
    """What the judgements come to, by window and species of the recordings.

    Args:
        judgements: All of them; those of other recordings are left out.
        rows: Recordings with their windows.

    Raises:
        DataError: Judgements contradict themselves, as `silencio.feedback.held_judgements` tells.
    """
    held = held_judgements(judgements)
    windows = _windows(rows)
    looked_at = {one.detection_or_window_id for one in held} & windows.keys()
    detected = rows.windows["detected_codes"]
    found = verdicts(
        (one for one in held if one.detection_or_window_id in looked_at),
        {window: detected[windows[window][2]].as_py() or () for window in looked_at},
    )
    at: dict[str, datetime] = {}
    for one in held:
        at[one.detection_or_window_id] = max(one.created_at, at.get(one.detection_or_window_id, one.created_at))
    reviews: dict[ReviewKey, Review] = {}
    for (window, code), known in found.items():
        if code != UNKNOWN_SPECIES:
            prediction_id, index, _ = windows[window]
            verdict = "unsure" if known.verdict == "bad_audio" else known.verdict
            reviews[prediction_id, index, code] = Review(verdict, at[window])
    return reviews


def _windows(rows: RecordingRows) -> dict[str, tuple[str, int, int]]:
    """Prediction, the window's place in its recording, and its row, by the window's name."""
    windows: dict[str, tuple[str, int, int]] = {}
    before, index = -1, 0
    for row, i in enumerate(rows.recording_of_row.tolist()):
        index = index + 1 if i == before else 0
        before = i
        prediction_id = rows.recordings[i].prediction_id
        windows[window_id(prediction_id, index)] = (prediction_id, index, row)
    return windows
