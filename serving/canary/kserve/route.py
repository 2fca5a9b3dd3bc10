"""The splitter on KServe: one InferenceService, in Knative or Standard mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from serving.canary.interfaces import ArmName, RouteState
from serving.canary.kserve.cluster import (
    CONFIG_MAP,
    DEPLOYMENT,
    INFERENCE_SERVICE,
    Cluster,
    NotTakenError,
    Object,
    refused_by,
)
from serving.canary.kserve.inference_service import (
    canaries_of,
    component_status,
    edit_of,
    mode_name,
    mode_of,
    predictor_of,
)
from serving.canary.kserve.knative import KnativeSplit
from serving.canary.kserve.offer import Offer, OfferNote
from serving.canary.kserve.pod_usage import PodUsage
from serving.canary.kserve.pods import health, living_pods, restarts_before
from serving.canary.kserve.preconditions import Situation, refusal
from serving.canary.kserve.predictors import (
    metadata_digest,
    pods_digest,
    release_label,
    release_of,
    service_name,
)
from serving.canary.kserve.standard import StandardSplit
from serving.canary.kserve.targets import Group, groups_of
from silencio.errors import ReleaseRefusedError, RouteChangedError, RouteError
from silencio.release.evidence import ArmHealth
from silencio.release.record import ReleaseRecord

_SETTINGS = "inferenceservice-config"
# Controllers write statuses all the time, and each write makes a patch with the former resourceVersion fail.
_MAX_CONFLICTS = 20


def _now() -> datetime:
    return datetime.now(UTC)


class KServeRoute:
    """The `Route` of a cluster.

    Nothing is kept in this process: each method reads the objects, so that whoever comes after a kill goes on. No
    method waits for controllers: `state` says whether they are done.

    Args:
        cluster: Where; a client with the verbs of manifests/release/role.yaml.
        service: Name of the InferenceService.
        kserve_version: KServe's version where the cluster does not say it; for Standard mode.
        kserve_namespace: Where KServe's own `inferenceservice-config` is.
        now: The time, for how long pods have been ready.
        usage: Tells what the pods take; None: nobody does.
    """

    def __init__(
        self,
        cluster: Cluster,
        service: str,
        *,
        kserve_version: str | None = None,
        kserve_namespace: str = "kserve",
        now: Callable[[], datetime] = _now,
        usage: PodUsage | None = None,
    ) -> None:
        self._cluster = cluster
        self._service = service
        self._kserve_version = kserve_version
        self._kserve_namespace = kserve_namespace
        self._now = now
        self._usage = usage
        self._note = OfferNote(cluster, service)
        self._knative = KnativeSplit(cluster, service)
        self._standard = StandardSplit(cluster, service)

    def state(self) -> RouteState:
        """What the Knative route or the HTTPRoutes send where.

        Raises:
            RouteError: It cannot be read.
        """
        service = self._get()
        return self._split(service).state(service, self._note.load())

    def check(self, record: ReleaseRecord) -> None:
        """All refusals, and what the cluster's own webhooks say to the patch that `offer` would send.

        Raises:
            ReleaseRefusedError: One sentence with value and cure; nothing was changed.
            RouteError: Something cannot be read.
        """
        service = self._get()
        is_standard = mode_of(service) == "Standard"
        situation = Situation(
            service=service,
            record=record,
            routes=self._standard.routes() if is_standard else {},
            settings=self._settings() if is_standard else None,
            kserve_version=self._kserve_version,
            n_replicas=self._n_replicas(service) if is_standard else None,
        )
        if why := refusal(situation):
            raise ReleaseRefusedError(why)
        patch = self._split(service).offered(service, record)
        if patch is not None:
            try:
                self._cluster.patch(INFERENCE_SERVICE, self._service, patch, dry_run=True)
            except NotTakenError as error:
                raise refused_by(error) from error

    def offer(self, record: ReleaseRecord) -> None:
        """Ask for the challenger's pods with 0 % of visitors; `state` names a challenger when they are ready.

        Raises:
            RouteError: It was not taken.
        """
        release = release_label(record.release_id)
        service = self._get()
        offer = self._note.load()
        if self._split(service).offered(service, record) is not None:
            self._note.write(self._offer_of(service, release))
        elif offer is None or offer.release != release:
            raise RouteError(
                f"{self._service} has the challenger of release {release} and no ConfigMap {self._note.name} with what "
                "served before: roll back by `silencio release rollback --now`, and start anew"
            )
        # What the webhooks made of it is what later looks are held against.
        service = self._change(lambda now: self._split(now).offered(now, record))
        offer = self._note.load()
        if offer is not None and offer.challenger_pods is None:
            offered = [predictor_of(service), *(one["predictor"] for one in canaries_of(service))]
            ours = [one for one in offered if release_of(one) == release]
            self._note.write(offer.model_copy(update={"challenger_pods": pods_digest(ours[0])}))

    def set_share(self, percent: float, *, expected_generation: str) -> None:
        """Ask for a share; only where nobody edited the object since.

        Raises:
            ReleaseRefusedError: KServe takes whole percentages only.
            RouteChangedError: Somebody else edited the object since `expected_generation`.
            RouteError: It was not taken, or there is no challenger.
        """
        if not (float(percent).is_integer() and 0 <= percent <= 100):
            raise ReleaseRefusedError(f"KServe takes whole percentages from 0 to 100, and {percent} is none: round it")
        offer = self._note.load()
        if offer is None:
            raise RouteError(f"no challenger has been offered to {self._service}: start a release")

        def patch(service: Object) -> Object | None:
            found = self._split(service).share(service, offer.release, int(percent))
            # What holds already may be what this very call has written before its answer was lost.
            if found is not None and (seen := self._generation(service, offer)) != expected_generation:
                raise RouteChangedError(
                    f"{self._service} was edited since the last look (then {expected_generation}, now {seen}): see who "
                    "did, and resume or roll back"
                )
            return found

        self._change(patch)

    def promote(self, record: ReleaseRecord) -> None:
        """Make the challenger the stable predictor; the champion stays, as warm as the mode keeps it, until `retire`.

        Raises:
            RouteError: The challenger has less than 100 %, or it was not taken.
        """
        offer = self._note.load()
        self._change(lambda service: self._split(service).promoted(service, offer, record))

    def roll_back(self, record: ReleaseRecord) -> None:
        """Ask for 0 % for the challenger, whoever edited the object and whatever is known of the offer.

        Raises:
            RouteError: It was not taken, or there is no champion any more.
        """
        self._change(lambda service: self._split(service).rolled_back(service, self._named(service, record)))

    def retire(self, record: ReleaseRecord) -> None:
        """Take the next step towards an object without a release; call it until it no longer raises.

        Raises:
            RouteError: It is not done yet, and what is waited for; both arms have visitors; or it was not taken.
        """
        offer = self._note.load()
        awaited = ""

        def patch(service: Object) -> Object | None:
            nonlocal awaited
            found, awaited = self._split(service).retired(service, offer, record)
            return found

        self._change(patch)
        if awaited:
            raise RouteError(
                f"the arm without visitors is not gone yet: waiting until {awaited}; the next look goes on"
            )
        if offer is not None and offer.release == release_label(record.release_id):
            self._note.write(None)

    def health(self) -> Mapping[ArmName, ArmHealth]:
        """Readiness and restarts of both arms' pods, and what they take.

        Raises:
            RouteError: Pods cannot be listed.
        """
        return health(self._cluster, self._service, self._note.load(), self._now, self._usage)

    def targets(self) -> list[Group]:
        """What Prometheus is to scrape, each with the labels `arm` and `server`.

        Raises:
            RouteError: Pods cannot be listed.
        """
        pods = living_pods(self._cluster, self._service)
        return groups_of(pods, self._cluster.namespace, self._service, self._note.load())

    def _named(self, service: Object, record: ReleaseRecord) -> ReleaseRecord:
        """The record, or one with the offer's release where a rollback has lost it and no longer knows which it is."""
        entries = [predictor_of(service), *(one["predictor"] for one in canaries_of(service))]
        if release_label(record.release_id) in [release_of(one) for one in entries]:
            return record
        try:
            offer = self._note.load()
        except RouteError:
            return record  # a rollback goes on with what the object alone says
        return record if offer is None else record.model_copy(update={"release_id": offer.release})

    def _get(self) -> Object:
        return self._cluster.get(INFERENCE_SERVICE, self._service)

    def _split(self, service: Object) -> KnativeSplit | StandardSplit:
        mode = mode_of(service)
        if mode is None:
            raise RouteError(
                f"the deployment mode of {self._service} is {mode_name(service) or 'not known'}: only Knative and "
                "Standard can split traffic"
            )
        return self._knative if mode == "Knative" else self._standard

    def _generation(self, service: Object, offer: Offer) -> str:
        return (
            self._split(service).state(service, offer).generation if mode_of(service) == "Knative" else edit_of(service)
        )

    def _change(self, patch_of: Callable[[Object], Object | None]) -> Object:
        """Read, compute and patch, anew where only a controller wrote in between; the object as it is then."""
        for _ in range(_MAX_CONFLICTS):
            service = self._get()
            patch = patch_of(service)
            if patch is None:
                return service
            versioned = {**patch, "metadata": {"resourceVersion": service["metadata"]["resourceVersion"]}}
            try:
                return self._cluster.patch(INFERENCE_SERVICE, self._service, versioned)
            except RouteChangedError as error:
                last = error
        raise RouteChangedError(
            f"InferenceService {self._service} was written {_MAX_CONFLICTS} times between reading and patching it: see "
            "what edits it, and resume"
        ) from last

    def _offer_of(self, service: Object, release: str) -> Offer:
        return Offer(
            release=release,
            champion=predictor_of(service),
            champion_revision=component_status(service).get("latestRolledoutRevision"),
            champion_pods=pods_digest(predictor_of(service)),
            metadata=metadata_digest(service),
            restarts=restarts_before(self._cluster, self._service),
        )

    def _settings(self) -> dict[str, str] | None:
        try:
            found = self._cluster.find(CONFIG_MAP, _SETTINGS, namespace=self._kserve_namespace)
        except RouteError:
            return None  # whoever starts the release may say the version
        return (found or {}).get("data")

    def _n_replicas(self, service: Object) -> int | None:
        found = self._cluster.find(DEPLOYMENT, service_name(self._service, predictor_of(service)))
        replicas = ((found or {}).get("spec") or {}).get("replicas")
        return int(replicas) if replicas is not None else None
