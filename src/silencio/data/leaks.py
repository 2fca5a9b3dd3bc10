"""Leaks: a recording that is judged must never have been heard in training, under whatever name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pandas as pd

from silencio.errors import SplitError

_KINDS = {
    "recording_id": "the recording itself",
    "group_id": "a recording of the same source",
    "sha256": "the same file",
    "waveform_sha256": "the same sound",
}


def recording_fingerprints(table: pd.DataFrame) -> list[str]:
    """What a set of recordings can be recognised by: names, groups, bytes and sound, each as a short hash.

    Args:
        table: Rows with `recording_id`, and as far as known `group_id`, `sha256` and `waveform_sha256`.
    """
    found = {
        _fingerprint(column, value)
        for column in _KINDS
        if column in table
        for value in table[column]
        if _is_known(value)
    }
    return sorted(found)


def check_unheard(heard: Iterable[str], test: pd.DataFrame, by: str) -> None:
    """Hold test recordings against what a model was trained on.

    Args:
        heard: Fingerprints of the training recordings.
        test: As for `recording_fingerprints`.
        by: The model's name, for the message.

    Raises:
        SplitError: One of them was heard; the message names it.
    """
    known = set(heard)
    for column, words in _KINDS.items():
        if column not in test:
            continue
        leaked = [
            str(name)
            for name, value in zip(test["recording_id"], test[column], strict=True)
            if _is_known(value) and _fingerprint(column, value) in known
        ]
        if leaked:
            more = f" and {len(leaked) - 1} more test recordings" if len(leaked) > 1 else ""
            raise SplitError(
                f"test recording {leaked[0]}{more} leaked: {by} was trained on {words}; draw the split again and train"
            )


def _is_known(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _fingerprint(column: str, value: object) -> str:
    return hashlib.sha256(f"{column}:{value}".encode()).hexdigest()[:16]
