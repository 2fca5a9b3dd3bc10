"""Which recordings can be used: each file is opened once, and every fault is named with what was found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from tqdm import tqdm

from silencio.audio import decode, quantize, truncation
from silencio.data.cross_checks import duplicates, odd_durations, sample_rates
from silencio.data.faults import KINDS, Fault, fault_table
from silencio.errors import DataError, DecodeError, StorageError
from silencio.settings import Settings
from silencio.storage import concerns_one_file, is_missing, read_bytes

# Each thread holds one decoded recording; beyond this it is memory that is spent, not time that is saved.
_MOST_THREADS = 8
_FULL_SCALE = 32767


class ValidationConfig(BaseModel):
    """What counts as a fault.

    Attributes:
        min_duration_s: What is shorter is left out.
        silent_below_db: Mean level in decibels of full scale under which a recording is reported as silent.
        clipped_share: Share of samples at full scale above which it is reported as clipped.
        odd_deviations: How many robust standard deviations from the usual make a duration odd.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    min_duration_s: float = Field(0.1, ge=0)
    silent_below_db: float = Field(-60.0, lt=0)
    clipped_share: float = Field(0.001, gt=0, le=1)
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
    for found, said in _examine_all(recordings, config):
        faults += said
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
    with ThreadPoolExecutor(min(_MOST_THREADS, Settings().n_threads)) as pool:
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
        encoded = read_bytes(uri)
    except StorageError as error:
        if not concerns_one_file(error):
            raise
        if is_missing(error):
            return left_out("missing", "the file is missing")
        return left_out("unreadable", f"the file cannot be read: {getattr(error.__cause__, 'strerror', None) or error}")
    if not encoded:
        return left_out("empty", "the file is empty (0 bytes)")
    try:
        audio = decode(encoded)
    except DecodeError as error:
        return left_out("undecodable", str(error))
    if audio.duration_s < config.min_duration_s:
        return left_out(
            "too_short", f"{audio.duration_s:.3f} s, the shortest that is taken has {config.min_duration_s:g} s"
        )
    waveform = quantize(audio.samples)
    if waveform.min() == waveform.max():
        return left_out("no_sound", f"{audio.duration_s:.1f} s in which every sample is {waveform[0]}")
    rms_db = _rms_db(audio.samples)
    facts = {
        "recording_id": recording_id,
        "sha256": hashlib.sha256(encoded).hexdigest(),
        "size_bytes": len(encoded),
        "duration_s": audio.duration_s,
        "sample_rate_hz": audio.sample_rate_hz,
        "decoded_sha256": hashlib.sha256(waveform.data).hexdigest(),
        "rms_db": rms_db,
    }
    found = {
        "truncated": truncation(encoded),
        "silent": f"{rms_db:.0f} dB of full scale" if rms_db < config.silent_below_db else None,
        "clipped": _clipping(waveform, config.clipped_share),
    }
    return facts, [Fault(recording_id, kind, detail) for kind, detail in found.items() if detail]


def _rms_db(samples: NDArray[np.float32]) -> float:
    """Mean level in decibels of full scale; summed in blocks, so that no copy of the recording is made."""
    blocks = range(0, len(samples), 1 << 16)
    power = sum(float(np.square(samples[i : i + (1 << 16)], dtype=np.float64).sum()) for i in blocks) / len(samples)
    return float(10.0 * np.log10(max(power, 1e-12)))


def _clipping(waveform: NDArray[np.int16], most_share: float) -> str | None:
    n_clipped = np.count_nonzero(waveform >= _FULL_SCALE) + np.count_nonzero(waveform <= -_FULL_SCALE)
    share = n_clipped / len(waveform)
    return f"{100 * share:.2f} % of the samples are at full scale" if share > most_share else None
