"""delivery_due: whether there is anything to deliver, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from silencio.bundle.manifest import read_manifest
from silencio.errors import ConfigError
from silencio.release.deliveries import delivery_of
from silencio.storage import write_atomically

BY_HAND, NEW = "by hand", "new"


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        trigger: `new`: a bundle that was never held against these recordings; `by hand`: in any case.
        champion: Folder of the bundle that serves.
        challenger: Folder of the bundle that would be delivered.
        recordings_version: Version of the recordings, from `inputs_version`.
        packages: Folder or `s3://` prefix of packaged bundles, where deliveries are noted.
    """

    trigger: str
    champion: Path
    challenger: Path
    recordings_version: str
    packages: str


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        page: Why it is due or not, for people.
    """

    page: Path


def run(inputs: Inputs, outputs: Outputs) -> bool:
    """Look for a delivery of this bundle with these recordings.

    Returns:
        Whether it is due.

    Raises:
        ConfigError: There is no such trigger, or no place for packages.
        BundleError: A folder holds no bundle.
        StorageError: The place does not answer, or the page cannot be written.
    """
    if inputs.trigger not in (BY_HAND, NEW):
        raise ConfigError(f"trigger {inputs.trigger!r} is not known: give {NEW!r} or {BY_HAND!r}")
    if not inputs.packages:
        raise ConfigError("packages is empty: name the folder or s3:// prefix from which bundles are served")
    is_due, why = _due(inputs)
    write_atomically(outputs.page, f"{why}\n")
    return is_due


def _due(inputs: Inputs) -> tuple[bool, str]:
    challenger = read_manifest(inputs.challenger)
    if inputs.trigger == BY_HAND:
        return True, f"bundle {challenger.version} is delivered by hand"
    if challenger.manifest_sha256 == read_manifest(inputs.champion).manifest_sha256:
        return False, f"bundle {challenger.version} is the champion: nothing is to be delivered"
    found = delivery_of(inputs.packages, challenger.manifest_sha256, inputs.recordings_version)
    if found is not None:
        return (
            False,
            f"bundle {challenger.version} was {found.outcome} on {found.at} with these recordings: {found.why}",
        )
    return True, f"bundle {challenger.version} was never held against these recordings"
