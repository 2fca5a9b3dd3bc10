"""One row a window: what is kept of a prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_TIME = pa.timestamp("us", tz="UTC")
STAGES = ("decode", "features", "predictor", "names")
AUDIO_STATISTICS = ("rms_db", "peak_db", "clipped_share", "silence_share", "snr_db")

# Every column; docs/operating.md says what each means.
SCHEMA = pa.schema(
    [
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("client_request_id", pa.string()),
        pa.field("session_id", pa.string()),
        pa.field("key_name", pa.string()),
        pa.field("received_at", _TIME, nullable=False),
        pa.field("recorded_at", _TIME),
        pa.field("latitude", pa.float64()),
        pa.field("longitude", pa.float64()),
        pa.field("recording", pa.int32(), nullable=False),
        pa.field("n_samples", pa.int64()),
        pa.field("sample_rate_hz", pa.int32()),
        pa.field("source_format", pa.string()),
        pa.field("notes", pa.list_(pa.string())),
        pa.field("bundle_name", pa.string(), nullable=False),
        pa.field("bundle_version", pa.string(), nullable=False),
        pa.field("manifest_sha256", pa.string()),
        pa.field("spec_sha256", pa.string(), nullable=False),
        *(pa.field(f"{stage}_s", pa.float32()) for stage in STAGES),
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("end_s", pa.float64(), nullable=False),
        pa.field("top_codes", pa.list_(pa.string()), nullable=False),
        pa.field("top_probabilities", pa.list_(pa.float32()), nullable=False),
        pa.field("named_codes", pa.list_(pa.string()), nullable=False),
        *(pa.field(name, pa.float32()) for name in AUDIO_STATISTICS),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFacts:
    """What all windows of one recording share.

    Attributes:
        request_id: The server's own, as the answer names it.
        received_at: When the request came; with a time zone.
        bundle_name: Of the bundle that answered.
        bundle_version: Of the bundle that answered; a candidate and the sealed bundle made of it share it.
        spec_sha256: Of the features.
        client_request_id: As the client sent it, where it did.
        manifest_sha256: Of the very bundle that answered; logs from before it was written have none.
        recording: Its place in the request, from 0.
        session_id: As the client sent it.
        key_name: Of the API key.
        recorded_at: When the recording was made; with a time zone.
        latitude: In degrees; the log generalises it.
        longitude: In degrees; the log generalises it.
        n_samples: Of the recording as it came, a channel.
        sample_rate_hz: Of the recording as it came.
        source_format: `OGG`, `WAV`, `FLAC`, `MP3`.
        notes: Kinds of what was odd about the file or its sound.
        decode_s: Time of the stage, of the whole request.
        features_s: Likewise.
        predictor_s: Likewise.
        names_s: Likewise.
    """

    request_id: str
    received_at: datetime
    bundle_name: str
    bundle_version: str
    spec_sha256: str
    client_request_id: str | None = None
    manifest_sha256: str | None = None
    recording: int = 0
    session_id: str | None = None
    key_name: str | None = None
    recorded_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    n_samples: int | None = None
    sample_rate_hz: int | None = None
    source_format: str | None = None
    notes: tuple[str, ...] = ()
    decode_s: float | None = None
    features_s: float | None = None
    predictor_s: float | None = None
    names_s: float | None = None


@dataclass(slots=True, kw_only=True)  # not frozen: that is half the cost of making one
class WindowRecord:
    """One window.

    Attributes:
        facts: Of its recording.
        start_s: Where it begins in the recording.
        end_s: Where it ends.
        top_codes: The most probable species, from most to least.
        top_probabilities: Theirs.
        named_codes: Species that the answer named: above their threshold and kept by place and season.
        audio: Of `AUDIO_STATISTICS`, those that are known.
    """

    facts: RecordingFacts
    start_s: float
    end_s: float
    top_codes: Sequence[str]
    top_probabilities: Sequence[float]
    named_codes: Sequence[str]
    audio: Mapping[str, float]


_FACTS = frozenset(one.name for one in fields(RecordingFacts))


def window_records(
    facts: RecordingFacts,
    starts_s: Sequence[float],
    window_s: float,
    codes: Sequence[str],
    probabilities: NDArray[np.float32],
    named: NDArray[np.bool_],
    statistics: Mapping[str, NDArray[np.float64]],
    n_top: int = 5,
) -> list[WindowRecord]:
    """The rows of one recording.

    Args:
        facts: What they share.
        starts_s: The second at which each window begins.
        window_s: Length of a window.
        codes: Of the classes, in order.
        probabilities: float32, shape (n_windows, n_classes), as answered.
        named: Shape (n_windows, n_classes): which species the answer named.
        statistics: As `silencio.audio.audio_statistics` gives; each (n_windows,).
        n_top: How many species a row lists.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :n_top]
    top = np.take_along_axis(probabilities, order, axis=1).tolist()
    columns = {name: values.tolist() for name, values in statistics.items()}
    return [
        WindowRecord(
            facts=facts,
            start_s=start_s,
            end_s=start_s + window_s,
            top_codes=[codes[j] for j in order[i].tolist()],
            top_probabilities=top[i],
            named_codes=[codes[j] for j in np.flatnonzero(named[i]).tolist()],
            audio={name: values[i] for name, values in columns.items()},
        )
        for i, start_s in enumerate(starts_s)
    ]


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC: Arrow takes any other zone's hours for UTC's.

    Raises:
        ValueError: It has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC)


def as_table(records: Sequence[WindowRecord]) -> pa.Table:
    """Rows as Arrow sees them.

    Raises:
        pa.ArrowException, TypeError, ValueError, AttributeError: A value is not of its column's type.
    """
    columns = []
    # Column by column: between two of them the interpreter may turn to a request.
    for field in SCHEMA:
        if field.name in _FACTS:
            values = [getattr(record.facts, field.name) for record in records]
            if field.type == _TIME:
                values = [None if value is None else in_utc(value) for value in values]
        elif field.name in AUDIO_STATISTICS:
            values = [record.audio.get(field.name) for record in records]
        else:
            values = [getattr(record, field.name) for record in records]
        columns.append(pa.array(values, field.type))
    return pa.Table.from_arrays(columns, schema=SCHEMA)
