"""A split by `spec.canary`: two Deployments behind one HTTPRoute of the Gateway API, whose weights are the truth."""

from __future__ import annotations

from dataclasses import dataclass

from serving.canary.interfaces import RouteState
from serving.canary.kserve.cluster import HTTP_ROUTE, Cluster, Object
from serving.canary.kserve.inference_service import canaries_of, edit_of, is_true, predictor_of
from serving.canary.kserve.offer import Offer
from serving.canary.kserve.predictors import (
    arm_name,
    as_canary,
    as_stable,
    bundle_place,
    challenger_predictor,
    identity_of,
    kept_apart,
    merge_patch,
    metadata_digest,
    pods_digest,
    release_label,
    release_of,
    service_name,
)
from silencio.errors import RouteError
from silencio.release.record import ReleaseRecord


@dataclass(frozen=True)
class _Arms:
    """Who is who in the object: during the bake the challenger is the stable predictor.

    Attributes:
        champion: Its predictor; None: it was retired.
        challenger: Its predictor; None: there is none.
        requested: Percent that the object wants for the challenger.
        is_swapped: Whether the challenger is the stable one.
    """

    champion: Object | None
    challenger: Object | None
    requested: int
    is_swapped: bool


class StandardSplit:
    """How a release is read and written in Standard mode.

    Args:
        cluster: Where.
        service: Name of the InferenceService.
    """

    def __init__(self, cluster: Cluster, service: str) -> None:
        self._cluster = cluster
        self._service = service

    def state(self, service: Object, offer: Offer | None) -> RouteState:
        """What the HTTPRoutes send where. The status of the InferenceService repeats its spec: it proves nothing."""
        arms = _arms(service, offer.release if offer is not None else None)
        share, shown, pending = self._routed(service, arms)
        is_ready = arms.challenger is not None and self._is_ready(service, arms)
        if not pending and share != arms.requested:
            pending = f"{arms.requested} % were asked for"
            if arms.requested and share == 0 and is_ready:
                pending += (
                    ", and KServe's status may say so: KServe up to 0.20.0 routes nothing to spec.canary, later ones "
                    "leave out a canary that is not ready"
                )
        challenger = None
        if arms.challenger is not None and (is_ready or share):
            challenger = self._seen(service, arms.challenger, offer, offer.challenger_pods if offer else None)
        champion = arms.champion or predictor_of(service)
        return RouteState(
            share_percent=share,
            champion=self._seen(service, champion, offer, offer.champion_pods if offer else None),
            challenger=challenger,
            generation=edit_of(service),
            is_settled=not pending,
            detail=f"{shown}; {pending or 'as asked for'}",
        )

    def offered(self, service: Object, record: ReleaseRecord) -> Object | None:
        """The patch that brings the challenger as a canary with 0 %; None: it is there."""
        release = release_label(record.release_id)
        if _arms(service, release).challenger is not None:
            return None
        champion = predictor_of(service)
        name = arm_name(record.challenger, record.release_id, self._service)
        canary = as_canary(challenger_predictor(champion, record), name)
        return {"spec": {"canary": [{"trafficPercent": 0, "predictor": canary}]}}

    def share(self, service: Object, release: str, percent: int) -> Object | None:
        """The patch that asks for a share; None: it is asked for already."""
        arms = _arms(service, release)
        if arms.challenger is None:
            raise RouteError(
                f"{self._service} has no canary of release {release}: it was taken away; start a release anew"
            )
        if arms.requested == percent:
            return None
        canary = dict(canaries_of(service)[0])
        canary["trafficPercent"] = 100 - percent if arms.is_swapped else percent
        return {"spec": {"canary": [canary]}}

    def promoted(self, service: Object, offer: Offer | None, record: ReleaseRecord) -> Object | None:
        """The patch that swaps the roles: the challenger's Deployment becomes the stable one, with no pod restarted.

        The champion stays as a canary with 0 %, warm until it is retired. Nothing but the role changes in either
        predictor, or their pods would restart.
        """
        release = release_label(record.release_id)
        arms = _arms(service, release)
        if arms.challenger is None:
            raise RouteError(f"{self._service} has no canary of release {release} to promote: start a release anew")
        if arms.is_swapped:
            return None
        share, shown, pending = self._routed(service, arms)
        if pending or share != 100 or arms.requested != 100:
            raise RouteError(f"the challenger has {share:g} % of visitors ({pending or shown}): promote at 100 %")
        champion, challenger = predictor_of(service), arms.challenger
        stable = as_stable(challenger, champion)
        # A predictor without a name cannot be a canary: its pods are made anew under this one, and serve nobody yet.
        name = champion.get("name") or arm_name(record.champion, f"{record.release_id} champion", self._service)
        canary = kept_apart(as_canary(champion, str(name)), stable)
        return _patch(champion, stable, [{"trafficPercent": 0, "predictor": canary}])

    def rolled_back(self, service: Object, record: ReleaseRecord) -> Object | None:
        """The patch that gives the challenger 0 %; None: it has none.

        Nothing is deleted here: a Service that goes before the gateway has heard of it loses requests.
        """
        release = release_label(record.release_id)
        arms = _arms(service, release)
        if arms.challenger is None or arms.requested == 0:
            return None
        if arms.champion is None:
            raise RouteError(
                f"release {release} was promoted and its champion retired: offer the bundle {record.champion.version} "
                "as a new release"
            )
        return self.share(service, release, 0)

    def retired(self, service: Object, offer: Offer | None, record: ReleaseRecord) -> tuple[Object | None, str]:
        """The patch that takes away the arm without visitors; nothing is waited for."""
        arms = _arms(service, release_label(record.release_id))
        if arms.challenger is None or not canaries_of(service):
            return None, ""
        share, shown, pending = self._routed(service, arms)
        if pending or share not in (0, 100) or share != arms.requested:
            raise RouteError(f"both arms may have visitors ({pending or shown}): retire one when they have settled")
        stable = predictor_of(service)
        if arms.is_swapped and share == 0:
            former = dict(canaries_of(service)[0]["predictor"])
            return _patch(stable, as_stable(former, stable), []), ""
        if not arms.is_swapped and share == 100:
            raise RouteError("the challenger has every visitor and is no stable predictor yet: promote it first")
        return {"spec": {"canary": []}}, ""

    def routes(self) -> dict[str, Object | None]:
        """The HTTPRoutes that KServe makes, by name: of the service, and of its predictor."""
        names = (self._service, f"{self._service}-predictor")
        return {name: self._cluster.find(HTTP_ROUTE, name) for name in names}

    def _routed(self, service: Object, arms: _Arms) -> tuple[float, str, str]:
        """Share of the challenger, what the routes say, and what is still open."""
        challenger = service_name(self._service, arms.challenger) if arms.challenger is not None else ""
        champion = service_name(self._service, arms.champion or predictor_of(service))
        shares, shown = [], []
        routes = self.routes()
        if routes[self._service] is None:
            return 0.0, "no HTTPRoute", f"there is no HTTPRoute {self._service}"
        for name, route in routes.items():
            if route is None:
                continue
            if problem := _not_accepted(route):
                return 0.0, f"HTTPRoute {name}", problem
            for rule in (route.get("spec") or {}).get("rules") or ():
                weights = {str(one["name"]): int(one.get("weight", 1)) for one in rule.get("backendRefs") or ()}
                if not {champion, challenger} & set(weights):
                    continue  # of an explainer
                if strangers := sorted(set(weights) - {champion, challenger}):
                    return 0.0, f"HTTPRoute {name}", f"it names {strangers[0]}, which is neither arm"
                shares.append(100.0 * weights.get(challenger, 0) / (sum(weights.values()) or 1))
                shown.append(f"{name}: {', '.join(f'{one} {weight}' for one, weight in weights.items())}")
        if not shares:
            return 0.0, "no rule", f"no rule of the HTTPRoutes names {champion}"
        pending = "" if len(set(shares)) == 1 else "the rules of the HTTPRoutes disagree"
        return shares[0], "; ".join(dict.fromkeys(shown)), pending

    def _is_ready(self, service: Object, arms: _Arms) -> bool:
        if arms.is_swapped:
            return is_true(service, "PredictorReady")
        name = (arms.challenger or {}).get("name")
        statuses = (service.get("status") or {}).get("canaryStatuses") or ()
        return any(one.get("name") == name and one.get("ready") for one in statuses)

    def _seen(self, service: Object, predictor: Object, offer: Offer | None, pods: str | None) -> str:
        identity = identity_of(predictor, bundle_place(predictor))
        if offer is None:
            return identity
        if release_of(predictor) != offer.release:
            identity = identity_of(offer.champion, bundle_place(offer.champion))
        if pods not in (None, pods_digest(predictor)):
            return f"{identity} in a predictor that somebody else edited"
        if offer.metadata != metadata_digest(service):
            return f"{identity} under labels or annotations that somebody else edited"
        return identity


def foreign_canaries(service: Object, release: str) -> list[Object]:
    """Entries of `spec.canary` that are not this release's."""
    arms = _arms(service, release)
    return [] if arms.challenger is not None and len(canaries_of(service)) <= 1 else canaries_of(service)


def _arms(service: Object, release: str | None) -> _Arms:
    stable, canaries = predictor_of(service), canaries_of(service)
    if release is not None and release_of(stable) == release:
        champion = canaries[0]["predictor"] if canaries else None
        requested = 100 - sum(int(one.get("trafficPercent") or 0) for one in canaries)
        return _Arms(champion, stable, requested, is_swapped=True)
    for canary in canaries:
        if release is not None and release_of(canary["predictor"]) == release:
            return _Arms(stable, canary["predictor"], int(canary.get("trafficPercent") or 0), is_swapped=False)
    return _Arms(stable, None, 0, is_swapped=False)


def _patch(before: Object, stable: Object, canary: list[Object]) -> Object:
    return {"spec": {"predictor": merge_patch(before, stable), "canary": canary}}


def _not_accepted(route: Object) -> str:
    """Why a gateway does not have the route as it stands; empty where every parent has."""
    name, generation = route["metadata"]["name"], route["metadata"].get("generation")
    parents = (route.get("status") or {}).get("parents") or ()
    if not parents:
        return f"no gateway has taken HTTPRoute {name}"
    for condition in (one for parent in parents for one in parent.get("conditions") or ()):
        if condition.get("status") != "True":
            return f"{condition.get('type')} of HTTPRoute {name} is {condition.get('status')}"
        if condition.get("observedGeneration", generation) != generation:
            return f"the gateway has not seen the last change of HTTPRoute {name}"
    return ""
