"""The release of an InferenceService: KServe's route, the record in a ConfigMap, counts from Prometheus."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.release_places import registry_of
from serving.canary.clock import SystemClock, iso
from serving.canary.interfaces import ArmName, Counters
from serving.canary.judgement import Staged, StagedEvidence
from serving.canary.kserve.cluster import Cluster
from serving.canary.kserve.pod_usage import PodUsage
from serving.canary.kserve.requests import ConfigMapRequests
from serving.canary.kserve.route import KServeRoute
from serving.canary.kserve.store import ConfigMapStore
from serving.canary.kserve.targets import serve_targets
from serving.canary.places import traffic_between
from serving.canary.server_counters import ServerCounters
from serving.canary.shadow_log import ShadowLog
from serving.canary.simulated import Endpoints
from serving.canary.staging import HttpStaging
from serving.canary.steps.release_place import FILES
from serving.canary.world import World
from serving.client.options import API_KEY
from serving.simulate.recordings import recordings_of
from silencio.bundle.manifest import BundleManifest, read_manifest
from silencio.errors import ConfigError, CountsUnreadableError
from silencio.release.plan import Traffic
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, ReleaseRecord


@dataclass(frozen=True, kw_only=True)
class ClusterCounts:
    """Counts with the slow bound that the release has frozen.

    Attributes:
        url: Prometheus.
        selector: Labels of both arms' targets beside `arm`.
        store: Where the record is.
    """

    url: str
    selector: str
    store: ConfigMapStore

    def read(self, at_s: float) -> Mapping[ArmName, Mapping[str, Counters]]:
        """Counters by arm and instance."""
        record = self.store.load()
        slow = ReleasePolicy.model_validate(record.policy).rules.get("slow") if record is not None else None
        bound_s = record.slow_bound_s if record is not None else None
        limit_s = slow.limit if slow else None
        return ServerCounters(url=self._url(), selector=self.selector, slow_bound_s=bound_s, limit_s=limit_s).read(at_s)

    def p95_s(self, at_s: float) -> float | None:
        """The champion's, as a bucket's bound."""
        return ServerCounters(url=self._url(), selector=self.selector).p95_s(at_s)

    def _url(self) -> str:
        if not self.url:
            raise CountsUnreadableError("no Prometheus is named: give --prometheus URL")
        return self.url


class EvidenceOnly:
    """Staging where no address past the splitter is named: what was handed in, and no simulated users."""

    def __init__(self, staging: HttpStaging) -> None:
        self._staging = staging

    def parity(self, record: ReleaseRecord) -> bool:
        """Its servers replay their clips themselves before they are ready."""
        return True

    def run(self, record: ReleaseRecord) -> Staged:
        """Nobody is simulated: a policy that wants simulated users is waited for, and held."""
        return Staged()

    def evidence(self, record: ReleaseRecord) -> StagedEvidence:
        """The comparison that was handed in."""
        return self._staging.evidence(record)


class KServePlace:
    """The release of one InferenceService.

    Args:
        options: Options of the command.

    Raises:
        ConfigError: NAMESPACE/NAME is none.
        RouteError: No cluster is known.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        namespace, _, service = options.isvc.partition("/")
        if not namespace or not service:
            raise ConfigError(f"--isvc {options.isvc!r}: give NAMESPACE/NAME")
        cluster = Cluster.connect(namespace)
        self._options, self._service = options, service
        self.store = ConfigMapStore(cluster, service)
        usage = PodUsage(url=options.prometheus, namespace=namespace) if options.prometheus else None
        version = getattr(options, "kserve_version", None)
        self.route = KServeRoute(cluster, service, kserve_version=version, usage=usage)
        self.requests = ConfigMapRequests(cluster, service)
        self._counts = ClusterCounts(
            url=options.prometheus or "",
            # A predictor counts no sessions; a Prometheus that has other ways may have no label `server`.
            selector=f'namespace="{namespace}",isvc="{service}",server!="predictor"',
            store=self.store,
        )
        self._files = Path(os.environ.get(FILES) or Path(tempfile.gettempdir()) / f"silencio-release-{service}")

    def world(self, **others: Any) -> World:
        """All that the judge touches; Prometheus may ask which pods are which arm's from now on."""
        if targets_port := getattr(self._options, "targets_port", None):
            serve_targets(self.route.targets, targets_port, self._options.metrics_host)
        ports: dict[str, Any] = {
            "route": self.route,
            "counts": self._counts,
            "store": self.store,
            "registry": registry_of(self.folder),
            "requests": self.requests,
            "staging": self._staging(others.get("on_message", lambda message: None)),
            "clock": SystemClock(),
        }
        return World(**{**ports, **others})

    def bundles(self, options: argparse.Namespace) -> tuple[BundleIdentity, BundleIdentity]:
        """Both bundles: their manifests from folders here, where they are served from by URI."""
        if not (options.champion and options.challenger and options.champion_uri and options.challenger_uri):
            raise ConfigError(
                "--isvc needs --champion DIR, --challenger DIR (their manifests are read) and --champion-uri, "
                "--challenger-uri (where KServe serves them from)"
            )
        return _identity(options.champion, options.champion_uri), _identity(options.challenger, options.challenger_uri)

    def manifests(
        self, options: argparse.Namespace, champion: BundleIdentity, challenger: BundleIdentity
    ) -> tuple[BundleManifest, BundleManifest] | None:
        """From the folders here; they are served from elsewhere."""
        return read_manifest(Path(options.champion)), read_manifest(Path(options.challenger))

    def traffic(self) -> Traffic:
        """What Prometheus has counted."""
        return traffic_between(self._counts, time.time())

    def folder(self, release_id: str) -> Path:
        """Of a release's files, where the judge runs."""
        return self._files / release_id

    def earlier_releases(self) -> list[ReleaseRecord]:
        """The last one: a ConfigMap keeps no more."""
        record = self.store.load()
        return [] if record is None else [record]

    def record_of_route(self) -> ReleaseRecord:
        """Where the record cannot be read, the route alone knows what served before."""
        unknown = BundleIdentity(version="unknown", manifest_sha256="", place="")
        policy = ReleasePolicy.shipped().model_dump(mode="json")
        return ReleaseRecord(
            release_id="unknown", champion=unknown, challenger=unknown, policy=policy, began_at=iso(time.time())
        )

    def _staging(self, on_message: Callable[[str], None]) -> HttpStaging | EvidenceOnly:
        options = self._options
        logs = getattr(options, "prediction_logs", [])
        champion, challenger = options.champion_url or "", options.challenger_url or ""

        def endpoints() -> Endpoints:
            return Endpoints(champion=champion, challenger=challenger, api_key=os.environ.get(API_KEY, ""))

        staging = HttpStaging(
            endpoints=endpoints,
            recordings=recordings_of(getattr(options, "recordings", None)),
            folder=self.folder,
            clock=SystemClock(),
            log=ShadowLog(lambda: logs, on_message),
        )
        return staging if champion and challenger else EvidenceOnly(staging)


def _identity(folder: Path | str, uri: str) -> BundleIdentity:
    manifest = read_manifest(Path(folder))
    return BundleIdentity(version=manifest.version, manifest_sha256=manifest.manifest_sha256, place=uri)
