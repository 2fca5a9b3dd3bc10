"""inputs_version: what a run reads is another when any of it was changed, wherever the run was started."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from silencio.data.manifest_places import SETTING
from silencio.data.place_version import RUN_FOLDER, digest, place_version


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        data: The recordings, as `ingest` or `list_archive` takes them.
        beside: Another place that is read: the split history of an earlier run, or the bundle that scores; "" is none.
    """

    data: str
    beside: str


def run(inputs: Inputs) -> str:
    """Names of files, their sizes and times of change (ETags on S3), hashed; nothing is opened.

    Returns:
        Sixteen digits.

    Raises:
        StorageError: S3 does not answer, or a folder itself cannot be listed.
    """
    run_folder = os.environ.get(RUN_FOLDER)
    own = Path(run_folder) if run_folder else None
    # Which recordings a manifest may name.
    lines = [os.environ.get(SETTING, "")]
    lines += [part for place in (inputs.data, inputs.beside) for part in (place, place_version(place, apart_from=own))]
    return digest(lines)[:16]
