"""Which recordings can be used: each file is opened once, and what cannot be used is named with its reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from silencio.audio import decode
from silencio.errors import DataError, DecodeError


@dataclass(frozen=True)
class ValidatedRecordings:
    """The outcome of validation.

    Attributes:
        usable: The recordings that decode, with `sha256`, `size_bytes`, `duration_s`, `sample_rate_hz` added.
        left_out: `recording_id` and `reason` of the others.
    """

    usable: pd.DataFrame
    left_out: pd.DataFrame


def validate_recordings(recordings: pd.DataFrame) -> ValidatedRecordings:
    """Decode every file; a missing, empty or undecodable one is left out by name, never silently.

    Raises:
        DataError: Not one recording can be used.
    """
    facts: list[dict[str, object]] = []
    left_out: list[dict[str, str]] = []
    for row in tqdm(recordings.to_dict("records"), desc="validate", unit="recording", mininterval=2.0):
        try:
            facts.append({"recording_id": row["recording_id"], **_facts(Path(row["path"]))})
        except DecodeError as error:
            left_out.append({"recording_id": row["recording_id"], "reason": str(error)})
    if not facts:
        first = left_out[0] if left_out else {"recording_id": "-", "reason": "the table is empty"}
        raise DataError(
            f"none of {len(recordings)} recordings can be used; the first, {first['recording_id']}: {first['reason']}"
        )
    usable = recordings.merge(pd.DataFrame(facts), on="recording_id", validate="one_to_one")
    return ValidatedRecordings(usable, pd.DataFrame(left_out, columns=["recording_id", "reason"]))


def _facts(path: Path) -> dict[str, object]:
    try:
        encoded = path.read_bytes()
    except FileNotFoundError as error:
        raise DecodeError("the file is missing") from error
    except OSError as error:
        raise DecodeError(f"the file cannot be read: {error.strerror or error}") from error
    audio = decode(encoded)
    return {
        "sha256": hashlib.sha256(encoded).hexdigest(),
        "size_bytes": len(encoded),
        "duration_s": audio.duration_s,
        "sample_rate_hz": audio.sample_rate_hz,
    }
