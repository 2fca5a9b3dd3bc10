"""check_offer: whether a challenger may be offered at all, before anything is made of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from silencio.bundle.manifest import BundleManifest, read_manifest
from silencio.errors import ReleaseRefusedError
from silencio.release.answer_rules import REPLAY
from silencio.release.comparison_file import comparison_of
from silencio.release.deliveries import refusal_noted
from silencio.release.evidence import Evidence
from silencio.release.offer import offer_refusal
from silencio.release.policy import ReleasePolicy


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        champion: Folder of the bundle that serves.
        challenger: Folder of the bundle that would be delivered.
        comparison: Both bundles' answers side by side, from `replay`.
        recordings_version: Version of the recordings, from `inputs_version`.
        packages: Folder or `s3://` prefix where a refusal is noted.
        policy: The release's: whether the rule `replay` refuses.
    """

    champion: Path
    challenger: Path
    comparison: Path
    recordings_version: str
    packages: str
    policy: ReleasePolicy = field(default_factory=ReleasePolicy.shipped)


def run(inputs: Inputs) -> str:
    """Hold the challenger against its own gates, the rule `replay` and what an offer is refused for.

    Returns:
        What the rule says, for people. A rule that is not sure refuses nothing: in the release a person is asked.

    Raises:
        ReleaseRefusedError: It may not be offered; the refusal is noted, so that it is not tried again and again.
        StorageError: It could not be noted.
    """
    challenger = read_manifest(inputs.challenger)
    with refusal_noted(inputs.packages, challenger, inputs.recordings_version):
        return _held_against(inputs, challenger)


def _held_against(inputs: Inputs, challenger: BundleManifest) -> str:
    champion = read_manifest(inputs.champion)
    comparison = comparison_of(json.loads(inputs.comparison.read_bytes()))
    verdict = REPLAY(inputs.policy, Evidence(replay=comparison.replay))
    refusal = _gates(challenger) or offer_refusal(champion, challenger, comparison.classes)
    if refusal is None and verdict.applies and not verdict.dry_run and verdict.outcome == "fail":
        refusal = f"bundle {challenger.version} names held-out recordings worse than the champion: {verdict.message}"
    if refusal is not None:
        raise ReleaseRefusedError(refusal)
    return verdict.message


def _gates(challenger: BundleManifest) -> str | None:
    if challenger.verdict.get("passed") is True:
        return None
    if not challenger.verdict:
        return (
            f"bundle {challenger.version} has no verdict: it is a candidate; deliver the one that `apply_gates` sealed"
        )
    failed = ", ".join(map(str, challenger.failed_gates)) or "no gate is named"
    return f"the gates refused bundle {challenger.version} where it was trained: {failed}"
