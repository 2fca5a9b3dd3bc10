"""record_delivery: a bundle was offered, so that nobody delivers it again by himself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from silencio.bundle.manifest import read_manifest
from silencio.release.deliveries import Delivery, keep_delivery, now


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        challenger: Folder of the bundle as it was chosen, before it was optimised.
        recordings_version: Version of the recordings, from `inputs_version`.
        packages: Folder or `s3://` prefix of packaged bundles, where it is noted.
        place: Where the packaged bundle is.
        release_id: The release by which it is offered.
    """

    challenger: Path
    recordings_version: str
    packages: str
    place: str
    release_id: str


def run(inputs: Inputs) -> str:
    """Note it.

    Returns:
        What was noted, for people.

    Raises:
        StorageError: It cannot be written.
    """
    challenger = read_manifest(inputs.challenger)
    why = f"release {inputs.release_id}"
    note = Delivery(
        challenger=challenger.manifest_sha256,
        version=challenger.version,
        recordings_version=inputs.recordings_version,
        outcome="offered",
        why=why,
        place=inputs.place,
        at=now(),
    )
    keep_delivery(inputs.packages, note)
    return f"bundle {challenger.version} was offered by {why}"
