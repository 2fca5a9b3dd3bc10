"""stage: a release begins, and is watched until the first visitors meet the challenger, or it has ended before."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from serving.canary.clock import Clock, SystemClock, iso
from serving.canary.staging import COMPARISON, keep_manifests, read_comparison
from serving.canary.steps.release_place import FILES, ReleasePlace, release_place
from serving.canary.steps.watching import show, wait_for
from silencio.bundle.manifest import read_manifest
from silencio.errors import ConfigError, ReleaseRefusedError
from silencio.release.offer import offer_refusal
from silencio.release.policy_check import policy_of_text
from silencio.release.record import BundleIdentity, ReleaseRecord
from silencio.storage import write_atomically


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        place: `kserve:NAMESPACE/NAME`, or the state folder of `silencio serve --canary`.
        champion: Folder of the bundle that serves.
        challenger: Folder of the bundle that is offered.
        champion_uri: Where the champion is served from; empty: from its folder.
        challenger_uri: Where the challenger is served from; empty: from its folder.
        comparison: That of both bundles' answers, from `replay`.
        files: Folder from which the judge reads the comparison; empty: that of the place, or `SILENCIO_RELEASE_FILES`.
        policy: YAML of a policy; empty: the one that ships.
        by: Who begins it.
        clock: Time.
        found: Another place than the named one, for tests.
    """

    place: str
    champion: Path
    challenger: Path
    champion_uri: str
    challenger_uri: str
    comparison: Path
    files: str = ""
    policy: str = ""
    by: str = "KFP"
    clock: Clock = field(default_factory=SystemClock)
    found: ReleasePlace | None = None


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        page: The release's page.
    """

    page: Path


def run(inputs: Inputs, outputs: Outputs) -> tuple[str, str]:
    """Begin a release, or find the one of this very challenger, and watch it.

    A challenger is released once, however often this step runs: KFP tries it again when its pod was lost, and a
    recurring run finds the same challenger until another one is registered. Its release is then shown as it stands.

    Returns:
        The release's id, and its state.

    Raises:
        BundleError: A bundle is not what was exported.
        ConfigError: The policy is none.
        ReleaseRefusedError: It may not begin: one sentence with value and cure; nothing was changed.
        LeaseHeldError: A judge of another release holds the lease.
        RouteError: The route cannot be read.
    """
    place = inputs.found or release_place(inputs.place)
    champion = _identity(inputs.champion, inputs.champion_uri)
    challenger = _identity(inputs.challenger, inputs.challenger_uri)
    record = _known(place, challenger) or _begun(place, inputs, champion, challenger)
    record = wait_for(
        place.store, record.release_id, lambda one: one.exposed_state not in ("staged", "dark"), inputs.clock
    )
    show(record, inputs.comparison, outputs.page)
    return record.release_id, record.state


def _known(place: ReleasePlace, challenger: BundleIdentity) -> ReleaseRecord | None:
    """The last release, where it is of this very challenger, ended or not."""
    record = place.store.load()
    if record is None or record.challenger.manifest_sha256 != challenger.manifest_sha256:
        return None
    return record


def _begun(place: ReleasePlace, inputs: Inputs, champion: BundleIdentity, challenger: BundleIdentity) -> ReleaseRecord:
    if champion.manifest_sha256 == challenger.manifest_sha256:
        raise ReleaseRefusedError(
            f"challenger and champion are the same bundle ({champion.version}): offer another one; an A/A release is "
            "begun by `silencio release start --aa`"
        )
    record = ReleaseRecord(
        release_id=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        champion=champion,
        challenger=challenger,
        policy=policy_of_text(inputs.policy).model_dump(mode="json"),
        began_at=iso(inputs.clock.now_s()),
        by=inputs.by,
        why=f"started by {inputs.by}",
    )
    manifests = read_manifest(inputs.champion), read_manifest(inputs.challenger)
    if why := offer_refusal(*manifests, read_comparison(inputs.comparison).classes):
        raise ReleaseRefusedError(why)
    with place.store.lease(f"{inputs.by}, pipeline release") as token:
        former = place.store.load()
        if former is not None and not former.has_ended:
            raise ReleaseRefusedError(
                f"release {former.release_id} of bundle {former.challenger.version} has not ended ({former.state}): "
                "wait for it, or end it by `silencio release abort`"
            )
        place.route.check(record)
        _hand_in(place, inputs, record)
        return place.store.save(record, fencing_token=token)


def _hand_in(place: ReleasePlace, inputs: Inputs, record: ReleaseRecord) -> None:
    """The comparison and both manifests, where the judge looks for them."""
    of_release = getattr(place.store, "of_release", None)
    if not inputs.files and of_release is not None:
        folder = of_release(record.release_id)
    elif files := inputs.files or os.environ.get(FILES, ""):
        folder = Path(files) / record.release_id
    else:
        raise ConfigError(
            f"files is empty, and so is {FILES}: name the folder from which the judge reads the comparison, on a "
            "volume that both mount"
        )
    keep_manifests(folder, inputs.champion, inputs.challenger)
    write_atomically(folder / COMPARISON, json.dumps(json.loads(inputs.comparison.read_bytes())))


def _identity(folder: Path, uri: str) -> BundleIdentity:
    manifest = read_manifest(folder)
    place = uri or str(folder)
    return BundleIdentity(version=manifest.version, manifest_sha256=manifest.manifest_sha256, place=place)
