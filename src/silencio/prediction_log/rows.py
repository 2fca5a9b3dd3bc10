"""One row a window: what is kept of a prediction, and how it becomes a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from silencio.audio import WINDOW_STATISTICS
from silencio.prediction_log.schema import BANDS, PROBABILITIES, SCHEMA, TIME

OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFacts:
    """What all windows of one recording share.

    Attributes:
        request_id: The server's own, as the answer names it.
        received_at: Time at which the request came; with a time zone.
        bundle_name: Name of the bundle that answered.
        bundle_version: Version of the bundle that answered; a candidate and the sealed bundle made of it share it.
        spec_sha256: Hash of the feature specification.
        prediction_id: The server's own id of the recording's prediction.
        client_request_id: As the client sent it, where it did.
        session_id: As the client sent it.
        site_id: Site at which the recorder stands.
        device_id: The recorder's id.
        key_name: Name of the API key.
        recorded_at: Time at which the recording was made; with a time zone.
        latitude: In degrees; the log generalises it.
        longitude: In degrees; the log generalises it.
        recording: Its place in the request, from 0.
        recording_sha256: Hash of the encoded bytes.
        waveform_sha256: Hash of the sound: int16 samples at the specification's rate, as shards have it.
        n_samples: Samples of the recording as it came, a channel.
        sample_rate_hz: Rate of the recording as it came.
        source_format: `OGG`, `WAV`, `FLAC`, `MP3`.
        notes: Kinds of what was odd about the file or its sound.
        status: `ok`, or the status by which the request was answered instead, as over HTTP: `503`.
        bundle_sha256: The manifest's: it tells a candidate from the sealed bundle made of it.
        arm: Arm of a release to which the request was given.
        release_id: The release's id.
        shadow: Whether the client was answered by another bundle.
        decode_s: Seconds of the stage, of the whole request.
        features_s: Seconds of the stage, of the whole request.
        predictor_s: Seconds of the stage, of the whole request.
        names_s: Seconds of the stage, of the whole request.
    """

    request_id: str
    received_at: datetime
    bundle_name: str
    bundle_version: str
    spec_sha256: str
    prediction_id: str | None = None
    client_request_id: str | None = None
    session_id: str | None = None
    site_id: str | None = None
    device_id: str | None = None
    key_name: str | None = None
    recorded_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    recording: int | None = 0
    recording_sha256: str | None = None
    waveform_sha256: str | None = None
    n_samples: int | None = None
    sample_rate_hz: int | None = None
    source_format: str | None = None
    notes: tuple[str, ...] = ()
    status: str = OK
    bundle_sha256: str | None = None
    arm: str | None = None
    release_id: str | None = None
    shadow: bool | None = None
    decode_s: float | None = None
    features_s: float | None = None
    predictor_s: float | None = None
    names_s: float | None = None


@dataclass(slots=True, kw_only=True)  # not frozen: that is half the cost of making one
class WindowRecord:
    """One window, or a request that failed, of which only the facts are known.

    Attributes:
        facts: Facts of its recording.
        start_s: Second of the recording at which it begins.
        end_s: Second of the recording at which it ends.
        top_codes: The most probable species, from most to least.
        top_probabilities: Probabilities of these species.
        detected_codes: Species that the answer names: above their threshold and kept by place and season.
        dropped_codes: Species above their threshold that place or season took out of the answer.
        probabilities: float16, shape (n_classes,), in the order of the bundle's class list.
        entropy: Uncertainty of all species' presence in the window, each by itself, in bits.
        audio: Statistics by column, those that are known; of bands float32, shape (N_BANDS,).
    """

    facts: RecordingFacts
    start_s: float | None = None
    end_s: float | None = None
    top_codes: Sequence[str] | None = None
    top_probabilities: Sequence[float] | None = None
    detected_codes: Sequence[str] | None = None
    dropped_codes: Sequence[str] | None = None
    probabilities: NDArray[np.float16] | None = None
    entropy: float | None = None
    audio: Mapping[str, float | NDArray[np.float32]] = field(default_factory=dict)


_STEPS_A_DECIBEL = 16.0
_FACTS = frozenset(one.name for one in fields(RecordingFacts))
_AUDIO = frozenset(WINDOW_STATISTICS)


def prediction_id(request_id: str, recording: int) -> str:
    """The server's name of one recording's prediction: whoever has the answer can make it of the answer's request id.

    Args:
        request_id: The server's own, `X-Silencio-Request-ID`.
        recording: Its place in the request, from 0.
    """
    return f"{request_id}-{recording}"


def window_records(
    facts: RecordingFacts,
    starts_s: Sequence[float],
    window_s: float,
    codes: Sequence[str],
    probabilities: NDArray[np.float32],
    detected: NDArray[np.bool_],
    dropped: NDArray[np.bool_],
    statistics: Mapping[str, NDArray[np.float64]],
    n_top: int = 5,
) -> list[WindowRecord]:
    """The rows of one recording.

    Args:
        facts: Facts that they share.
        starts_s: The second at which each window begins.
        window_s: Length of a window.
        codes: Class codes, in order.
        probabilities: float32, shape (n_windows, n_classes), before place and season.
        detected: Shape (n_windows, n_classes): which species the answer names.
        dropped: Shape (n_windows, n_classes): which species place or season took out of the answer.
        statistics: As `silencio.features.WindowStatistics` gives them, those that are known.
        n_top: How many species a row lists.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :n_top]
    top = np.take_along_axis(probabilities, order, axis=1).tolist()
    columns = {name: values.tolist() if values.ndim == 1 else _bands(values) for name, values in statistics.items()}
    rounded = probabilities.astype(np.float16)
    entropies = entropy_bits(probabilities).tolist()
    return [
        WindowRecord(
            facts=facts,
            start_s=start_s,
            end_s=start_s + window_s,
            top_codes=[codes[j] for j in order[i].tolist()],
            top_probabilities=top[i],
            detected_codes=_codes(codes, detected[i]),
            dropped_codes=_codes(codes, dropped[i]),
            probabilities=rounded[i],
            entropy=entropies[i],
            audio={name: values[i] for name, values in columns.items()},
        )
        for i, start_s in enumerate(starts_s)
    ]


def entropy_bits(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """How uncertain a model is about which species are in each window: the sum over species of the binary entropy.

    0 where it is sure of every species' presence or absence, 1 for each species of which it knows nothing.

    Args:
        probabilities: Shape (n_windows, n_classes); each species' presence by itself.

    Returns:
        In bits, shape (n_windows,).
    """
    # Clipped so that certainty, of which the logarithm is none, adds nothing.
    present = np.clip(probabilities.astype(np.float64), 1e-12, 1 - 1e-12)
    absent = 1 - present
    bits = -(present * np.log2(present) + absent * np.log2(absent)).sum(axis=1)
    return np.asarray(bits, np.float64)


def _bands(decibels: NDArray[np.float64]) -> NDArray[np.float32]:
    """To a sixteenth of a decibel: the digits behind are chance, and would take two thirds of what a row takes.

    They stay an array until they are written: lists of numbers would take ten times the memory.
    """
    return (np.rint(decibels * _STEPS_A_DECIBEL) / _STEPS_A_DECIBEL).astype(np.float32)


def _codes(codes: Sequence[str], chosen: NDArray[np.bool_]) -> list[str]:
    return [codes[j] for j in np.flatnonzero(chosen).tolist()]


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
    # Column by column: between two of them the interpreter may turn to a request.
    columns = [_column(field, records) for field in SCHEMA]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _column(field: pa.Field, records: Sequence[WindowRecord]) -> pa.Array:
    if field.type == PROBABILITIES:
        return _matrix_column(field, [record.probabilities for record in records])
    if field.type == BANDS and field.name in _AUDIO:
        return _matrix_column(field, [record.audio.get(field.name) for record in records])
    if field.name in _FACTS:
        values = [getattr(record.facts, field.name) for record in records]
        if field.type == TIME:
            values = [None if value is None else in_utc(value) for value in values]
    elif field.name in _AUDIO:
        values = [record.audio.get(field.name) for record in records]
    else:
        values = [getattr(record, field.name) for record in records]
    return pa.array(values, field.type)


def _matrix_column(field: pa.Field, rows: Sequence[float | NDArray[np.floating] | None]) -> pa.Array:
    """Out of one buffer: number by number, a file's million of them would hold the interpreter for a quarter second."""
    dtype = field.type.value_type.to_pandas_dtype()
    known = [np.asarray(row) for row in rows if row is not None]
    if wrong := [row for row in known if row.dtype != dtype or row.ndim != 1]:
        raise TypeError(f"{field.name} are {wrong[0].dtype} {wrong[0].shape}")
    ends = np.cumsum([0, *(0 if row is None else len(np.asarray(row)) for row in rows)])
    flat = np.concatenate(known) if known else np.empty(0, dtype)
    return pa.ListArray.from_arrays(
        pa.array(ends, pa.int32()),
        pa.array(flat, field.type.value_type),
        mask=pa.array([row is None for row in rows], pa.bool_()),
    )
