"""delivery_due: whether there is anything to deliver, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serving.canary.steps.release_place import ReleasePlace, release_place
from silencio.bundle.manifest import MANIFEST, BundleManifest, read_manifest
from silencio.errors import ConfigError, ReleaseRefusedError
from silencio.release.deliveries import delivery_of
from silencio.release.record import ReleaseRecord
from silencio.storage import write_atomically

BY_HAND, NEW = "by hand", "new"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the step reads.

    Attributes:
        trigger: `new`: a bundle that was never held against these recordings; `by hand`: also one that was.
        place: Where it would be released: `kserve:NAMESPACE/NAME`, or the state folder of `silencio serve --canary`.
        champion: Folder of the bundle that serves.
        challenger: Folder of the bundle that would be delivered; one without a bundle where none is offered.
        recordings_version: Version of the recordings, from `inputs_version`.
        packages: Folder or `s3://` prefix of packaged bundles, where deliveries are noted.
        found: Another place than the named one, for tests.
    """

    trigger: str
    place: str
    champion: Path
    challenger: Path
    recordings_version: str
    packages: str
    found: ReleasePlace | None = None


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        page: Why it is due or not, for people.
    """

    page: Path


def run(inputs: Inputs, outputs: Outputs) -> bool:
    """Look for a delivery of this bundle with these recordings, and for a release of it.

    Returns:
        Whether it is due.

    Raises:
        ConfigError: There is no such trigger, no place for packages, or no champion.
        ReleaseRefusedError: A person wants what cannot be: the last release is of this bundle, and begins no more.
        StorageError: The place does not answer, or the page cannot be written.
        RouteError: The record of releases cannot be read.
    """
    if inputs.trigger not in (BY_HAND, NEW):
        raise ConfigError(f"trigger {inputs.trigger!r} is not known: give {NEW!r} or {BY_HAND!r}")
    if not inputs.packages:
        raise ConfigError("packages is empty: name the folder or s3:// prefix from which bundles are served")
    is_due, why = _due(inputs)
    write_atomically(outputs.page, f"{why}\n")
    if not is_due and inputs.trigger == BY_HAND:
        raise ReleaseRefusedError(why)
    return is_due


def _due(inputs: Inputs) -> tuple[bool, str]:
    if not (inputs.challenger / MANIFEST).is_file():
        return False, "no bundle is offered: register a version that passes its gates, or name a challenger"
    if not (inputs.champion / MANIFEST).is_file():
        raise ConfigError(
            "no champion serves yet, to hold the bundle against: make the first one by `silencio registry promote`, or "
            "name its bundle as champion"
        )
    champion, challenger = read_manifest(inputs.champion), read_manifest(inputs.challenger)
    named = f"bundle {challenger.version}"
    if challenger.manifest_sha256 == champion.manifest_sha256:
        return False, f"{named} is the champion: nothing is to be delivered"
    last = (inputs.found or release_place(inputs.place)).store.load()
    if why := _stands(last, challenger):
        return False, why
    if inputs.trigger == BY_HAND:
        return True, f"{named} is delivered by hand"
    found = delivery_of(inputs.packages, challenger.manifest_sha256, inputs.recordings_version)
    if found is not None:
        return (
            False,
            f"bundle {challenger.version} was {found.outcome} on {found.at} with these recordings: {found.why}",
        )
    return True, f"bundle {challenger.version} was never held against these recordings"


def _stands(last: ReleaseRecord | None, challenger: BundleManifest) -> str:
    """Why no release of the challenger would begin; empty: nothing stands before it."""
    if last is None:
        return ""
    if not last.has_ended:
        return f"release {last.release_id} of bundle {last.challenger.version} has not ended ({last.state})"
    if last.challenger.manifest_sha256 == challenger.manifest_sha256:
        return (
            f"release {last.release_id} was of this very bundle and ended ({last.state}): it is offered again by "
            "`silencio release start --again`"
        )
    return ""
