"""Leaks: a test recording must never have been trained on, under whatever name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from silencio.errors import SplitError

_KINDS = {
    "recording_id": "the recording itself",
    "group_id": "a recording of the same source",
    "sha256": "the same file",
    # Of the samples at the spec's rate, and at the recording's own: the second is the same under every spec.
    "waveform_sha256": "the same sound",
    "decoded_sha256": "the same sound",
}


def recording_fingerprints(table: pd.DataFrame) -> list[str]:
    """What a set of recordings can be recognised by: names, groups, bytes and sound, each as a short hash.

    Args:
        table: Rows with `recording_id`, and as far as known `group_id`, `sha256`, `waveform_sha256` and
            `decoded_sha256`.
    """
    found = {
        _fingerprint(column, value)
        for column in _KINDS
        if column in table
        for value in table[column]
        if _is_known(value)
    }
    return sorted(found)


def recognised(fingerprints: Iterable[str], table: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """Which recordings are among those of the fingerprints.

    Args:
        fingerprints: Fingerprints from `recording_fingerprints`.
        table: As for `recording_fingerprints`.

    Returns:
        By column of the table by which recordings can be recognised: bool, (n_recordings,).
    """
    known = set(fingerprints)
    return {
        column: np.array([_is_known(value) and _fingerprint(column, value) in known for value in table[column]], bool)
        for column in _KINDS
        if column in table
    }


def check_not_leaked(trained_on: Iterable[str], test: pd.DataFrame, by: str) -> None:
    """Hold test recordings against what a model was trained on.

    Args:
        trained_on: Fingerprints of the training recordings.
        test: As for `recording_fingerprints`.
        by: The model's name, for the message.

    Raises:
        SplitError: One of them was trained on; the message names it.
    """
    for column, found in recognised(trained_on, test).items():
        leaked = [str(name) for name in test.loc[found, "recording_id"]]
        if leaked:
            more = f" and {len(leaked) - 1} more test recordings" if len(leaked) > 1 else ""
            raise SplitError(
                f"test recording {leaked[0]}{more} leaked: {by} was trained on {_KINDS[column]}; draw the split again "
                "and train"
            )


def _is_known(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _fingerprint(column: str, value: object) -> str:
    return hashlib.sha256(f"{column}:{value}".encode()).hexdigest()[:16]
