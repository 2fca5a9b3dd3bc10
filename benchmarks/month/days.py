"""A day's log: rows of recordings that were really served, drawn again and moved to the day's hours."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.month.served import Served, ServedRecording
from benchmarks.month.story import PARTS, RECORDINGS_PER_CELL, SITES, Story, moments
from serving.prediction_log import PredictionLog
from silencio.errors import ServingError
from silencio.feedback import Judgement, window_id
from silencio.prediction_log import WindowRecord, prediction_id

# An app sends what it has recorded a little later.
_SENT_AFTER = timedelta(minutes=2)
# Of a site and day, as many detections are looked at by a person.
N_REVIEWED = 40
REVIEWER = "ranger"


def write_day(story: Story, number: int, served: Served, log: Path) -> list[Judgement]:
    """Write one day by the writer of the servers.

    Args:
        story: The plot.
        number: Number of the day.
        served: What was served, by condition, device and part of the day.
        log: Place of the log.

    Returns:
        What people found of some of its detections: whether the animal that was named is the one in the recording.

    Raises:
        ServingError: Not all rows could be written.
    """
    records: list[WindowRecord] = []
    judgements: list[Judgement] = []
    for site in SITES:
        of_site: list[Judgement] = []
        for device in site.devices:
            for part in PARTS:
                rng = np.random.default_rng([zlib.crc32(f"{device} {part}".encode()), number])
                pool = served[story.condition(number, device), device, part]
                chosen = rng.integers(0, len(pool), RECORDINGS_PER_CELL)
                times = moments(rng, number, part, RECORDINGS_PER_CELL)
                for place, (index, at) in enumerate(zip(chosen.tolist(), times, strict=True)):
                    moved = _moved(pool[index], f"day-{number}-{device}-{part}-{place}", at)
                    records += moved
                    of_site += _reviews_of(pool[index], moved)
        rng = np.random.default_rng([zlib.crc32(site.site_id.encode()), number])
        order = rng.permutation(len(of_site))[:N_REVIEWED]
        judgements += [of_site[index] for index in sorted(order.tolist())]
    _write(records, log)
    return judgements


def _moved(recording: ServedRecording, request_id: str, at: datetime) -> list[WindowRecord]:
    first = recording.rows[0].facts
    facts = replace(
        first,
        request_id=request_id,
        prediction_id=prediction_id(request_id, 0),
        session_id=f"{request_id}-session",
        recorded_at=at,
        received_at=at + _SENT_AFTER,
    )
    return [replace(row, facts=facts) for row in recording.rows]


def _reviews_of(recording: ServedRecording, rows: Sequence[WindowRecord]) -> list[Judgement]:
    """What whoever listens finds of each name that the model gave."""
    found = []
    for index, row in enumerate(rows):
        for code in row.detected_codes or ():
            name = f"{row.facts.request_id}-{index}-{code}"
            found.append(
                Judgement(
                    id=name,
                    detection_or_window_id=window_id(prediction_id(row.facts.request_id, 0), index),
                    request_id=row.facts.request_id,
                    window_index=index,
                    species_code=code,
                    verdict="present" if code == recording.code else "absent",
                    reviewer_key=REVIEWER,
                    role="reviewer",
                    bundle_sha256=row.facts.bundle_sha256,
                    seen_blind=True,
                    created_at=row.facts.received_at + timedelta(hours=1),
                )
            )
    return found


def _write(records: Sequence[WindowRecord], log: Path) -> None:
    with PredictionLog(str(log), rows_per_file=len(records)) as writer:
        writer.put(records)
    if writer.n_written != len(records):
        raise ServingError(f"of {len(records)} rows {writer.n_written} were written to {log}")
