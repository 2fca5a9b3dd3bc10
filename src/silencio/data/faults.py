"""Faults of a data set: what is wrong with which recording, and whether it can still be used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from silencio.audio.notes import KINDS as NOTES
from silencio.taxonomy import clean_name


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        left_out: The recording is not used; otherwise it is reported and kept.
        meaning: Meaning for people who have not read this code.
    """

    left_out: bool
    meaning: str


KINDS = {
    "missing": Kind(True, "the table names a file that is not there"),
    "empty": Kind(True, "a file of 0 bytes"),
    "unreadable": Kind(True, "the file is there and cannot be read"),
    "undecodable": Kind(True, "no audio, or damaged so that nothing of it can be decoded"),
    "too_short": Kind(True, "shorter than the shortest that is taken"),
    "no_sound": Kind(True, "every sample has the same value"),
    "unknown_label": Kind(True, "the label is not in the taxonomy"),
    "rare_label": Kind(True, "its label has fewer recordings than `min_recordings` asks for"),
    "other_form": Kind(False, "the table writes the file's name in another form (accents, case, separators, blanks)"),
    **{kind: Kind(False, meaning) for kind, meaning in NOTES.items()},
    "duplicate": Kind(False, "the same sound under two names"),
    "duplicate_two_labels": Kind(False, "the same sound under two labels: one of them is wrong, or both are right"),
    "silent": Kind(False, "almost no sound"),
    "clipped": Kind(False, "recorded too loud: samples at full scale"),
    "other_rate": Kind(False, "another sample rate than the most frequent one"),
    "low_rate": Kind(False, "a lower sample rate than the features have: nothing above half of it is in the recording"),
    "odd_duration": Kind(False, "far shorter or longer than the others"),
    "no_recordings": Kind(False, "a species of the taxonomy without a recording: no output of a model"),
}


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        recording_id: Recording that has the fault; empty where the data set has it.
        kind: A key of `KINDS`.
        detail: What was found.
    """

    recording_id: str
    kind: str
    detail: str


def fault_table(faults: Iterable[Fault]) -> pd.DataFrame:
    """Faults as a table with `recording_id`, `kind`, `detail`, `left_out`, in the order of `KINDS`, then by id."""
    order = {kind: number for number, kind in enumerate(KINDS)}
    rows = sorted(faults, key=lambda fault: (order[fault.kind], fault.recording_id))
    return pd.DataFrame(
        {
            "recording_id": pd.Series([fault.recording_id for fault in rows], dtype=object),
            "kind": pd.Series([fault.kind for fault in rows], dtype=object),
            "detail": pd.Series([fault.detail for fault in rows], dtype=object),
            "left_out": pd.Series([KINDS[fault.kind].left_out for fault in rows], dtype=bool),
        }
    )


def faults_by_kind(faults: pd.DataFrame) -> pd.DataFrame:
    """One row a kind that was found: `kind`, `found`, `left out` (yes or no), `meaning`."""
    found = faults["kind"].value_counts()
    return pd.DataFrame(
        [
            {
                "kind": name,
                "found": int(found[name]),
                "left out": "yes" if kind.left_out else "no",
                "meaning": kind.meaning,
            }
            for name, kind in KINDS.items()
            if name in found.index
        ],
        columns=["kind", "found", "left out", "meaning"],
    )


def other_forms(ids: Sequence[str], found: Sequence[str]) -> list[Fault]:
    """A fault for every file that was found under another form of the name by which a table names it.

    Args:
        ids: Names of the recordings: their names as the table has them, folders separated by `/`.
        found: URI of the file that there is, of each.
    """
    faults = []
    for recording_id, uri in zip(ids, found, strict=True):
        n_parts = recording_id.count("/") + 1
        name = "/".join(uri.replace("\\", "/").split("/")[-n_parts:])
        if name != recording_id:
            table = recording_id
            if clean_name(name) == clean_name(recording_id):
                # Accents that are written otherwise look the same on paper.
                table, name = (ascii(text)[1:-1] for text in (table, name))
            faults.append(Fault(recording_id, "other_form", f"the table has {table}, the file {name}"))
    return faults
