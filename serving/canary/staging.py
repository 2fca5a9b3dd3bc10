"""What is found out before any visitor: parity by the endpoint, integration, load, simulated users, replay."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from scipy.stats import fisher_exact

from serving.canary.clock import Clock, seconds_of
from serving.canary.endpoint_checks import PARITY, has_parity, integration_fault
from serving.canary.interfaces import ARMS, ArmName
from serving.canary.judgement import Staged, StagedEvidence
from serving.canary.shadow_log import ShadowLog
from serving.canary.simulated import Endpoints, clips_of, has_failed, interleaved, simulated_interval, slow_bound_s
from serving.simulate.recordings import Recording
from serving.simulate.simulated_client import Outcome
from serving.simulate.users import STREAM_S
from silencio.bundle.manifest import MANIFEST, BundleManifest, read_manifest
from silencio.errors import BundleError, ReleaseError
from silencio.release.class_change import LogUsage, class_change
from silencio.release.comparison_file import comparison_of
from silencio.release.evidence import ClassChange
from silencio.release.policy import ReleasePolicy
from silencio.release.record import ReleaseRecord
from silencio.storage import write_atomically

COMPARISON = "comparison.json"
LOAD_USERS = (8, 32)
# Two requests of every user, on each arm.
_REQUESTS_PER_USER = 2
# So improbable, where both arms take the load alike, has a difference to be that refuses.
_LOAD_ALPHA = 1e-4


@dataclass(frozen=True, kw_only=True)
class HttpStaging:
    """Staging of a challenger whose endpoint can be asked past the splitter.

    Attributes:
        endpoints: Where both arms answer; called when it is needed, since a challenger is started late.
        recordings: What simulated users play.
        folder: Folder of a release's files, by its id.
        clock: Time.
        load_users: Users at once, load by load.
        log: Prediction logs of both arms; None: nothing of them is read.
    """

    endpoints: Callable[[], Endpoints]
    recordings: Sequence[Recording]
    folder: Callable[[str], Path]
    clock: Clock
    load_users: Sequence[int] = LOAD_USERS
    log: ShadowLog | None = None
    _loaded: dict[Path, tuple[int, StagedEvidence]] = field(default_factory=dict)

    def parity(self, record: ReleaseRecord) -> bool:
        """Whether the challenger's endpoint gives the bundle's numbers for its parity clips.

        Raises:
            ReleaseError: It does not answer, or the bundle cannot be read here.
        """
        bundle = Path(record.challenger.place)
        if not (bundle / PARITY).is_file():
            return True  # served from elsewhere: its servers replay their clips themselves before they are ready
        with self.endpoints().client("challenger") as client:
            return has_parity(client, bundle)

    def run(self, record: ReleaseRecord) -> Staged:
        """Integration, load with 8 and 32 users, and simulated users on both arms.

        Raises:
            ReleaseError: No recording can be played.
        """
        policy, endpoints, clips = (
            ReleasePolicy.model_validate(record.policy),
            self.endpoints(),
            clips_of(self.recordings),
        )
        with endpoints.client("challenger") as client:
            if fault := integration_fault(client, clips[0]):
                return Staged(reasons=[fault])
        for n_users in self.load_users:
            if reason := _load(endpoints, clips, n_users):
                return Staged(reasons=[reason])
        began_s = self.clock.now_s() - seconds_of(record.began_at)
        outcomes = interleaved(endpoints, clips, policy.min_simulated_requests)
        bound_s = record.slow_bound_s or slow_bound_s(outcomes["champion"])
        slow = policy.rules.get("slow")
        interval = simulated_interval(
            outcomes,
            began_s=began_s,
            ended_s=self.clock.now_s() - seconds_of(record.began_at),
            bound_s=bound_s,
            limit_s=slow.limit if slow else None,
        )
        return Staged(intervals=[interval], slow_bound_s=bound_s)

    def evidence(self, record: ReleaseRecord) -> StagedEvidence:
        """What was handed in, or without it how the bundles' class lists differ; and the pairs of shadow traffic.

        Before visitors the comparison's pairs are looked at where there are any. Once visitors meet the challenger,
        their own recordings are: what sounds like the labelled ones says little of what phones send.

        Raises:
            ReleaseError: The comparison cannot be read.
        """
        comparison, manifests = self._comparison(record), _manifests(record, self.folder(record.release_id))
        if self.log is None or not self.log.is_kept or manifests is None:
            return comparison or StagedEvidence(classes=_classes(manifests))
        if comparison is None:
            comparison = StagedEvidence(classes=_classes(manifests, self.log.usage(record)))
        pairs = self.log.pairs(record, manifests)
        if record.exposed_state in ("step", "baking"):
            return replace(comparison, pairs=pairs)
        return replace(comparison, pairs=comparison.pairs or pairs)

    def _comparison(self, record: ReleaseRecord) -> StagedEvidence | None:
        path = self.folder(record.release_id) / COMPARISON
        if not path.is_file():
            return None
        written_ns = path.stat().st_mtime_ns
        if path not in self._loaded or self._loaded[path][0] != written_ns:
            self._loaded[path] = written_ns, read_comparison(path)
        return self._loaded[path][1]


def read_comparison(path: Path) -> StagedEvidence:
    """What a comparison of both bundles' answers says.

    Raises:
        ReleaseError: It is none, or of a later version.
    """
    try:
        comparison = comparison_of(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise ReleaseError(f"{path} is no comparison of answers: {error}") from error
    return StagedEvidence(replay=comparison.replay, pairs=comparison.pairs, classes=comparison.classes)


def keep_manifests(folder: Path, champion: Path, challenger: Path) -> None:
    """Keep both bundles' manifests with a release's files, for a judge to which the bundles are URIs.

    Args:
        folder: Folder of the release's files.
        champion: Folder of the champion's bundle; nothing is kept of one that is not here.
        challenger: Folder of the challenger's bundle; likewise.
    """
    for arm, bundle in zip(ARMS, (champion, challenger), strict=True):
        if not (bundle / MANIFEST).is_file():
            continue
        write_atomically(folder / arm / MANIFEST, (bundle / MANIFEST).read_text(encoding="utf-8"))


def _manifests(record: ReleaseRecord, folder: Path) -> tuple[BundleManifest, BundleManifest] | None:
    """Both bundles' manifests, from the release's files or from where the bundles are; None: they are not here."""
    found = []
    for arm, bundle in zip(ARMS, (record.champion, record.challenger), strict=True):
        kept = folder / arm
        try:
            manifest = read_manifest(kept if (kept / MANIFEST).is_file() else Path(bundle.place))
        except (BundleError, OSError):
            return None
        if manifest.manifest_sha256 != bundle.manifest_sha256:
            return None  # something else is served from there by now
        found.append(manifest)
    return found[0], found[1]


def _classes(manifests: tuple[BundleManifest, BundleManifest] | None, usage: LogUsage | None = None) -> ClassChange:
    return ClassChange() if manifests is None else class_change(*manifests, usage)


def _load(endpoints: Endpoints, clips: Sequence[bytes], n_users: int) -> str:
    """So many users at once, on one arm after the other; a sentence where the challenger takes it worse."""
    outcomes = {arm: _users(endpoints, arm, clips, n_users) for arm in ARMS}
    failed = {arm: sum(map(has_failed, found)) for arm, found in outcomes.items()}
    n = {arm: len(found) for arm, found in outcomes.items()}
    table = np.array([[failed[arm], n[arm] - failed[arm]] for arm in ("challenger", "champion")])
    p = float(fisher_exact(table, alternative="greater").pvalue)
    if p >= _LOAD_ALPHA:
        return ""
    return (
        f"load: with {n_users} users at once {failed['challenger']} of {n['challenger']} requests failed, of the "
        f"champion's {failed['champion']} of {n['champion']}"
    )


def _users(endpoints: Endpoints, arm: ArmName, clips: Sequence[bytes], n_users: int) -> list[Outcome]:
    def user(number: int) -> list[Outcome]:
        with endpoints.client(arm) as client:
            return [
                client.send("under load", clips[(number + turn) % len(clips)], duration_s=STREAM_S)
                for turn in range(_REQUESTS_PER_USER)
            ]

    with ThreadPoolExecutor(n_users) as pool:
        return [one for found in pool.map(user, range(n_users)) for one in found]
