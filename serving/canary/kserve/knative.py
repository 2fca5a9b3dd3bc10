"""A split by `canaryTrafficPercent`: revisions of a Knative Service, of which the latest has the share."""

from __future__ import annotations

from collections import Counter

from serving.canary.interfaces import RouteState
from serving.canary.kserve.cluster import REVISION, Cluster, Object
from serving.canary.kserve.inference_service import (
    component_status,
    edit_of,
    not_true,
    predictor_of,
    requested_percent,
)
from serving.canary.kserve.offer import Offer
from serving.canary.kserve.predictors import (
    bundle_place,
    challenger_predictor,
    identity_of,
    merge_patch,
    metadata_digest,
    pods_digest,
    release_label,
    release_of,
)
from silencio.errors import RouteError
from silencio.release.record import ReleaseRecord

PERCENT = "canaryTrafficPercent"
_GENERATION_LABEL = "serving.knative.dev/configurationGeneration"
_SOURCE_ANNOTATION = "internal.serving.kserve.io/storage-initializer-sourceuri"
_ROUTES = ("PredictorRouteReady", "RoutesReady")


class KnativeSplit:
    """How a release is read and written in Knative mode.

    Args:
        cluster: Where.
        service: Name of the InferenceService.
    """

    def __init__(self, cluster: Cluster, service: str) -> None:
        self._cluster = cluster
        self._service = service
        self._revisions: dict[str, Object] = {}  # their labels and annotations do not change

    def state(self, service: Object, offer: Offer | None) -> RouteState:
        """What the Knative route sends where, by the labels of the revisions that it names."""
        status = component_status(service)
        created, ready = status.get("latestCreatedRevision"), status.get("latestReadyRevision")
        traffic = _traffic(status)
        release = offer.release if offer is not None else None
        ours = {name for name in {*traffic, created} if name and release and self._release(name) == release}
        share = sum(percent for name, percent in traffic.items() if name in ours)
        is_offered = release is not None and release_of(predictor_of(service)) == release
        requested = requested_percent(predictor_of(service).get(PERCENT)) if is_offered else 0
        pending = not_true(service, _ROUTES)
        if not pending and sum(traffic.values()) != 100:
            pending = f"the route's traffic adds up to {sum(traffic.values())} %"
        if not pending and share != requested:
            pending = f"{requested} % were asked for"
        if not pending and is_offered and created not in ours:
            pending = f"the challenger's revision is not made yet (the latest is {created})"
        challenger = None
        if is_offered and created in ours and (created == ready or share):
            challenger = self._challenger(service, offer, str(created))
        others = [name for name in traffic if name not in ours and traffic[name]]
        shown = ", ".join(f"{name} {percent} %" for name, percent in sorted(traffic.items())) or "no traffic yet"
        return RouteState(
            share_percent=float(share),
            champion=self._champion(service, offer, others),
            challenger=challenger,
            generation=f"{edit_of(service)}.{created if created in ours else 'before'}",
            is_settled=not pending,
            detail=f"{shown}; {pending or not_true(service, ('PredictorReady',)) or 'as asked for'}",
        )

    def offered(self, service: Object, record: ReleaseRecord) -> Object | None:
        """The patch that brings the challenger's revision with 0 %, bundle and percent in one; None: it is there."""
        predictor = predictor_of(service)
        if release_of(predictor) == release_label(record.release_id):
            return None
        wanted = {**challenger_predictor(predictor, record), PERCENT: 0}
        return {"spec": {"predictor": merge_patch(predictor, wanted)}}

    def share(self, service: Object, release: str, percent: int) -> Object | None:
        """The patch that asks for a share; None: it is asked for already."""
        predictor = predictor_of(service)
        if release_of(predictor) != release:
            raise RouteError(
                f"the predictor of {self._service} is not the challenger's of release {release}: it was rolled back or "
                "edited; start a release anew"
            )
        if requested_percent(predictor.get(PERCENT)) == percent:
            return None
        return {"spec": {"predictor": {PERCENT: percent}}}

    def promoted(self, service: Object, offer: Offer | None, record: ReleaseRecord) -> Object | None:
        """Nothing has to be patched: with 100 % the challenger's revision is the rolled-out one."""
        release = release_label(record.release_id)
        rolled_out = component_status(service).get("latestRolledoutRevision")
        if release_of(predictor_of(service)) != release or not rolled_out or self._release(rolled_out) != release:
            raise RouteError(
                f"the challenger is not rolled out yet: KServe has {rolled_out} as rolled out; promote at 100 %"
            )
        return None

    def rolled_back(self, service: Object, record: ReleaseRecord) -> Object | None:
        """The patch that gives the challenger 0 % whoever wrote the object last; None: it has none."""
        predictor = predictor_of(service)
        status = component_status(service)
        is_ours = release_of(predictor) == release_label(record.release_id)
        is_rolled_out = status.get("latestCreatedRevision") == status.get("latestRolledoutRevision")
        if predictor.get(PERCENT) == 0 or (not is_ours and is_rolled_out):
            return None
        return {"spec": {"predictor": {PERCENT: 0}}}

    def retired(self, service: Object, offer: Offer | None, record: ReleaseRecord) -> tuple[Object | None, str]:
        """The next patch towards an object as it would be without a release, and what is waited for after it.

        A rolled-back bundle does not stay in the object: the next edit of anything would make a revision of it with the
        percentage that was left over. The champion is written back with 0 %, gets 100 % when its revision is ready,
        and only then the field goes: without the field, or with 100 %, visitors would be at the latest *ready*
        revision meanwhile, which is the one that was rolled back.
        """
        predictor, status = predictor_of(service), component_status(service)
        release = release_label(record.release_id)
        created, ready = str(status.get("latestCreatedRevision")), str(status.get("latestReadyRevision"))
        rolled_out = str(status.get("latestRolledoutRevision"))
        if release_of(predictor) == release and requested_percent(predictor.get(PERCENT)) == 100:
            if self._release(rolled_out) != release:
                raise RouteError(f"the challenger is not rolled out yet (KServe has {rolled_out}): retire it later")
            return ({"spec": {"predictor": {PERCENT: None}}} if PERCENT in predictor else None), ""
        if release_of(predictor) == release:
            return self._champion_back(service, offer, rolled_out, release)
        if PERCENT not in predictor:
            return None, ""
        if self._release(created) == release or created != ready:
            return None, f"the champion's new revision is not ready ({created}, ready: {ready})"
        if requested_percent(predictor[PERCENT]) != 100:
            return {"spec": {"predictor": {PERCENT: 100}}}, f"{created} has 100 %"
        if rolled_out != created or _traffic(status).get(created) != 100:
            return None, f"{created} has 100 %"
        return {"spec": {"predictor": {PERCENT: None}}}, ""

    def _champion_back(self, service: Object, offer: Offer | None, rolled_out: str, release: str) -> tuple[Object, str]:
        predictor = predictor_of(service)
        if requested_percent(predictor.get(PERCENT)) != 0:
            raise RouteError("the challenger has visitors still: roll it back first")
        if offer is None or offer.release != release:
            raise RouteError(
                f"the champion's predictor is not known any more (ConfigMap silencio-release-{self._service}-offer): "
                f"apply it by hand with {PERCENT}: 0, then 100"
            )
        if self._release(rolled_out) == release:
            raise RouteError(
                f"KServe still has the challenger's {rolled_out} as the rolled-out revision: the champion is written "
                "back when it has gone back to the one before"
            )
        wanted = {**offer.champion, PERCENT: 0}
        return {"spec": {"predictor": merge_patch(predictor, wanted)}}, "the champion's new revision is ready"

    def _challenger(self, service: Object, offer: Offer | None, created: str) -> str:
        identity = identity_of(predictor_of(service), bundle_place(predictor_of(service)))
        before = self._number(offer.champion_revision) if offer is not None and offer.champion_revision else None
        number = self._number(created)
        if before is not None and number is not None and number > before + 1:
            return f"{identity} in revision {created}, which somebody else's edit made after the challenger's"
        if offer is not None and (offer.challenger_pods or pods_digest(predictor_of(service))) != pods_digest(
            predictor_of(service)
        ):
            return f"{identity} in a predictor that somebody else edited"
        if offer is not None and offer.metadata != metadata_digest(service):
            return f"{identity} under labels or annotations that somebody else edited"
        return identity

    def _champion(self, service: Object, offer: Offer | None, serving: list[str]) -> str:
        status = component_status(service)
        if offer is None:
            name = serving[0] if serving else str(status.get("latestRolledoutRevision") or "")
            if name in ("", status.get("latestCreatedRevision")):
                return identity_of(predictor_of(service), bundle_place(predictor_of(service)))
            return self._identity(name)
        champion = identity_of(offer.champion, bundle_place(offer.champion))
        for name in serving:
            is_written_back = self._release(name) == release_of(offer.champion)
            if name != offer.champion_revision and not is_written_back:
                return f"revision {name}, which is none of this release"
        return champion

    def _identity(self, name: str) -> str:
        metadata = self._metadata(name)
        return identity_of(metadata, (metadata.get("annotations") or {}).get(_SOURCE_ANNOTATION))

    def _release(self, name: str) -> str | None:
        return release_of(self._metadata(name))

    def _number(self, name: str) -> int | None:
        number = (self._metadata(name).get("labels") or {}).get(_GENERATION_LABEL)
        return int(number) if number and str(number).isdigit() else None

    def _metadata(self, name: str) -> Object:
        if name not in self._revisions:
            revision = self._cluster.find(REVISION, name)
            if revision is None:
                return {}
            self._revisions[name] = revision["metadata"]
        return self._revisions[name]


def _traffic(status: Object) -> Counter[str]:
    traffic: Counter[str] = Counter()
    for target in status.get("traffic") or ():
        if target.get("revisionName"):
            traffic[str(target["revisionName"])] += int(target.get("percent") or 0)
    return traffic
