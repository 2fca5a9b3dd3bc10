"""Which recordings can be used: each file is opened once, and every fault is named with what was found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field
from tqdm import tqdm

from silencio.audio import (
    MAX_AUDIO_S,
    MIN_AUDIO_S,
    ReadingNote,
    Recording,
    Truncated,
    check_duration,
    quantize,
    resampled,
)
from silencio.data.cross_checks import duplicates, odd_durations, sample_rates
from silencio.data.faults import KINDS, Fault, fault_table
from silencio.errors import DataError, DecodeError, StorageError
from silencio.settings import Settings
from silencio.storage import concerns_one_file, is_local, is_missing, local_path, read_bytes

# Each thread holds one decoded recording; beyond this it is memory that is spent, not time that is saved.
_MAX_THREADS = 8
_FULL_SCALE = 32767


class ValidationConfig(BaseModel):
    """What counts as a fault.

    Attributes:
        min_duration_s: What is shorter is left out.
        silent_below_db: Mean level in decibels of full scale under which a recording is reported as silent.
        clipped_share: Share of samples at full scale above which it is reported as clipped.
        truncated: A file that ends before its recording does is used as far as it goes, or left out.
        odd_deviations: How many robust standard deviations from the usual make a duration odd.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    min_duration_s: float = Field(MIN_AUDIO_S, ge=0)
    silent_below_db: float = Field(-60.0, lt=0)
    clipped_share: float = Field(0.001, gt=0, le=1)
    truncated: Truncated = "note"
    odd_deviations: float = Field(5.0, gt=0)


@dataclass(frozen=True)
class ValidatedRecordings:
    """The outcome of validation.

    Attributes:
        usable: The recordings that decode, with `sha256`, `size_bytes`, `duration_s`, `sample_rate_hz`,
            `decoded_sha256` (of the int16 samples at their own rate) and `rms_db` added.
        faults: Every fault of every recording (`silencio.data.faults.fault_table`).
    """

    usable: pd.DataFrame
    faults: pd.DataFrame

    @property
    def left_out(self) -> pd.DataFrame:
        """`recording_id` and `reason` of what is not used."""
        rows = self.faults.loc[self.faults["left_out"], ["recording_id", "detail"]]
        return rows.rename(columns={"detail": "reason"}).reset_index(drop=True)


def validate_recordings(
    recordings: pd.DataFrame,
    config: ValidationConfig | None = None,
    *,
    known: pd.DataFrame | None = None,
    spec_rate_hz: int | None = None,
) -> ValidatedRecordings:
    """Decode every file once, in `SILENCIO_THREADS` threads; what cannot be used is left out by name.

    Memory holds one recording a thread and a row of facts for each that was read.

    Args:
        recordings: A source's table.
        config: What counts as a fault.
        known: Faults that the source's tables show already.
        spec_rate_hz: The rate at which features will be computed, where it is known.

    Raises:
        DataError: Not one recording can be used.
        StorageError: The place that holds them does not answer.
    """
    config = config or ValidationConfig()
    faults: list[Fault] = []
    facts: list[dict[str, Any]] = []
    for found, of_recording in _examine_all(recordings, config):
        faults += of_recording
        if found is not None:
            facts.append(found)
    if not facts:
        first = faults[0] if faults else Fault("-", "missing", "the table is empty")
        raise DataError(
            f"none of {len(recordings)} recordings can be used; the first, {first.recording_id}: {first.detail}"
        )
    usable = recordings.merge(pd.DataFrame(facts), on="recording_id", validate="one_to_one")
    faults += duplicates(usable) + sample_rates(usable, spec_rate_hz) + odd_durations(usable, config.odd_deviations)
    if known is not None:
        faults += [Fault(*row) for row in known[["recording_id", "kind", "detail"]].itertuples(index=False)]
    return ValidatedRecordings(usable, fault_table(faults))


def _examine_all(
    recordings: pd.DataFrame, config: ValidationConfig
) -> Iterator[tuple[dict[str, Any] | None, list[Fault]]]:
    rows = list(zip(recordings["recording_id"], recordings["path"], strict=True))
    with ThreadPoolExecutor(min(_MAX_THREADS, Settings().n_threads)) as pool:
        results = pool.map(lambda row: examine(row[0], row[1], config), rows)
        yield from tqdm(results, desc="validate", total=len(rows), unit="recording", mininterval=2.0)


def examine(recording_id: str, uri: str, config: ValidationConfig) -> tuple[dict[str, Any] | None, list[Fault]]:
    """Open one recording.

    Returns:
        The facts that are added to its row, None where it is left out; and its faults.

    Raises:
        StorageError: The place that holds it does not answer.
    """

    def left_out(kind: str, detail: str) -> tuple[None, list[Fault]]:
        assert KINDS[kind].left_out
        return None, [Fault(recording_id, kind, detail)]

    try:
        source, sha256, n_bytes = _content(uri)
    except StorageError as error:
        if not concerns_one_file(error):
            raise
        if is_missing(error):
            return left_out("missing", "the file is missing")
        return left_out("unreadable", f"the file cannot be read: {getattr(error.__cause__, 'strerror', None) or error}")
    if not n_bytes:
        return left_out("empty", "the file is empty (0 bytes)")
    try:
        sound = _measure(source, config.truncated)
        check_duration(sound.duration_s, config.min_duration_s)
    except DecodeError as error:
        return left_out(
            {"too_short": "too_short", "unreadable": "unreadable"}.get(error.kind, "undecodable"), str(error)
        )
    if sound.lowest == sound.highest:
        return left_out("no_sound", f"{sound.duration_s:.1f} s in which every sample is {sound.lowest}")
    rms_db = float(10.0 * np.log10(max(sound.energy / sound.n_samples, 1e-12)))
    facts = {
        "recording_id": recording_id,
        "sha256": sha256,
        "size_bytes": n_bytes,
        "duration_s": sound.duration_s,
        "sample_rate_hz": sound.sample_rate_hz,
        "decoded_sha256": sound.digest.hexdigest(),
        "rms_db": rms_db,
    }
    faults = [Fault(recording_id, note.kind, note.text) for note in sound.notes]
    if rms_db < config.silent_below_db:
        faults.append(Fault(recording_id, "silent", f"{rms_db:.0f} dB of full scale"))
    clipped_share = sound.n_clipped / sound.n_samples
    if clipped_share > config.clipped_share:
        faults.append(Fault(recording_id, "clipped", f"{100 * clipped_share:.2f} % of the samples are at full scale"))
    return facts, faults


def _content(uri: str) -> tuple[bytes | Path, str, int]:
    """What to decode, its sha256 and its size; a file is never in memory."""
    if not is_local(uri):
        encoded = read_bytes(uri)
        return encoded, hashlib.sha256(encoded).hexdigest(), len(encoded)
    try:
        path = local_path(uri)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            return path, digest.hexdigest(), file.tell()
    except OSError as error:
        raise StorageError(f"{uri} cannot be read: {error.strerror or error}") from error


@dataclass
class _Sound:
    """What is measured of a recording, summed block by block.

    Attributes:
        digest: Digest of the int16 samples at their own rate.
        energy: Sum of squares, 1 at full scale.
    """

    sample_rate_hz: int = 0
    n_samples: int = 0
    n_clipped: int = 0
    lowest: int = _FULL_SCALE
    highest: int = -_FULL_SCALE
    energy: float = 0.0
    digest: Any = field(default_factory=hashlib.sha256)
    notes: Sequence[ReadingNote] = ()

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.sample_rate_hz


def _measure(source: bytes | Path, truncated: Truncated) -> _Sound:
    sound = _Sound()
    with Recording(source, max_duration_s=MAX_AUDIO_S, truncated=truncated) as recording:
        for part in recording.parts():
            for block in resampled(part.blocks, part.sample_rate_hz, recording.sample_rate_hz):
                if not len(block):
                    continue  # a change of rate holds short blocks back
                samples = quantize(block)
                sound.digest.update(samples.data)
                sound.n_samples += len(samples)
                sound.energy += float(np.square(block, dtype=np.float64).sum())
                sound.n_clipped += int(np.count_nonzero(np.abs(samples.astype(np.int32)) >= _FULL_SCALE))
                sound.lowest = min(sound.lowest, int(samples.min()))
                sound.highest = max(sound.highest, int(samples.max()))
        sound.sample_rate_hz, sound.notes = recording.sample_rate_hz, tuple(recording.notes)
    return sound
