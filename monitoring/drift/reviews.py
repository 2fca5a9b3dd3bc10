"""Judgements out of a file, counted for one site: how many of its reviewed detections were right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from statistics import fmean

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import ValidationError

from monitoring.drift.log_rows import recorded_days
from silencio.drift import ReviewCounts
from silencio.drift.recordings import UNKNOWN
from silencio.drift.reference import as_date
from silencio.errors import DataError, SchemaError
from silencio.feedback import (
    Detection,
    Judgement,
    ReviewedDetection,
    judgements_of,
    reviewed_detections,
    verdicts,
    window_id,
)
from silencio.prediction_log import answered
from silencio.storage import list_objects, name_of, read_bytes
from silencio.storage.parquet import read_parquet

_PARQUET = ".parquet"
_SUFFIXES = (_PARQUET, ".jsonl")
# Of the log, what tells which window a judgement is of.
COLUMNS = ("prediction_id", "start_s", "detected_codes", "top_codes", "top_probabilities")


def read_judgements(place: str) -> list[Judgement]:
    """Judgements of a file, or of all files below a folder or prefix.

    Args:
        place: A file, a folder, or s3://; files end in .parquet, or in .jsonl (a JSON object a line).

    Raises:
        StorageError: It cannot be read.
        DataError: A file is no table of judgements; the message names file and row.
    """
    if place.endswith(_SUFFIXES):
        return _read(place)
    uris = [
        one.uri for one in list_objects(place) if one.uri.endswith(_SUFFIXES) and not name_of(one.uri).startswith(".")
    ]
    return [judgement for uri in uris for judgement in _read(uri)]


def _read(uri: str) -> list[Judgement]:
    content = read_bytes(uri)
    try:
        if uri.endswith(_PARQUET):
            return judgements_of(read_parquet(content))
        return [_line(number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip()]
    except SchemaError as error:
        raise SchemaError(f"{uri}: {error}") from error
    except (pa.ArrowException, ValueError, OSError) as error:
        raise DataError(f"{uri} is no Parquet, or half of one: {error}") from error


def _line(number: int, line: bytes) -> Judgement:
    try:
        return Judgement.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the row"
        raise SchemaError(f"line {number}: {where}: {first['msg'].removeprefix('Value error, ')}") from error


def detections_of(rows: pa.Table) -> tuple[list[Detection], dict[str, Sequence[str]]]:
    """Detections of the log, and the detected codes of every window.

    A detected species whose probability is not among the five of the log has none: it is no part of the expectation.

    Args:
        rows: With `COLUMNS`; windows without prediction_id, as older files have them, cannot be named.
    """
    named = rows.filter(pc.is_valid(rows["prediction_id"]))
    order = np.lexsort((named["start_s"].to_numpy(zero_copy_only=False), _codes(named["prediction_id"])))
    columns = {name: named[name].to_pylist() for name in COLUMNS}
    detections: list[Detection] = []
    detected: dict[str, Sequence[str]] = {}
    before, index = None, 0
    for row in order.tolist():
        identifier = columns["prediction_id"][row]
        index = index + 1 if identifier == before else 0
        before = identifier
        window = window_id(identifier, index)
        detected[window] = columns["detected_codes"][row] or ()
        known = dict(zip(columns["top_codes"][row] or (), columns["top_probabilities"][row] or (), strict=True))
        detections += [Detection(window, code, known[code]) for code in detected[window] if code in known]
    return detections, detected


def site_reviews(judgements: Sequence[Judgement], rows: pa.Table, site_id: str) -> dict[tuple[date, str], ReviewCounts]:
    """Reviewed detections of one site's rows, by local day and device of their recording; without any, none.

    Args:
        judgements: Judgements, whatever their site.
        rows: Rows of the period; one without a site is its key's.
        site_id: The site.

    Raises:
        DataError: Judgements contradict each other.
    """
    rows = answered(rows)
    own = pc.equal(pc.coalesce(rows["site_id"], rows["key_name"], pa.scalar(UNKNOWN)), site_id)
    shadow = pc.fill_null(rows["shadow"], False)
    rows = rows.filter(pc.and_(own, pc.invert(shadow)))
    detections, detected = detections_of(rows)
    held = verdicts(judgements, detected)
    devices = pc.fill_null(rows["device_id"], UNKNOWN).to_pylist()
    places = dict(
        zip(rows["prediction_id"].to_pylist(), zip(recorded_days(rows).tolist(), devices, strict=True), strict=True)
    )
    by_place: dict[tuple[int, str], list[ReviewedDetection]] = defaultdict(list)
    for one in reviewed_detections(detections, held):
        by_place[places[one.prediction_id]].append(one)
    return {(as_date(day), device): _counts(found) for (day, device), found in by_place.items()}


def _counts(detections: Sequence[ReviewedDetection]) -> ReviewCounts:
    n_right = sum(one.is_right for one in detections)
    return ReviewCounts(n_right, len(detections) - n_right, fmean(one.probability for one in detections))


def _codes(column: pa.ChunkedArray) -> NDArray[np.int32]:
    encoded = column.combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices)
