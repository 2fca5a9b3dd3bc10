"""Why a release may not begin, each reason as one sentence with the value and the cure; nothing has been changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from serving.canary.kserve.cluster import Object
from serving.canary.kserve.inference_service import (
    MODE_ANNOTATION,
    canaries_of,
    component_status,
    is_true,
    mode_name,
    mode_of,
    predictor_of,
)
from serving.canary.kserve.knative import PERCENT
from serving.canary.kserve.predictors import (
    KSERVE_CONTAINER,
    bundle_place,
    identity_of,
    release_label,
    release_of,
    service_name,
)
from serving.canary.kserve.standard import foreign_canaries
from silencio.release.record import ReleaseRecord

# The first that routes anything to spec.canary comes after it.
_ROUTES_NOTHING = Version("0.20.0")
_PREFIXES = ("s3://", "gs://")


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What is looked at before a release begins.

    Attributes:
        service: The InferenceService.
        record: What is to begin.
        routes: The HTTPRoutes by name; Standard mode only.
        settings: `data` of KServe's own `inferenceservice-config`; None: it cannot be read.
        kserve_version: As whoever starts the release says it; None: read from the settings.
        n_replicas: Pods of the champion's Deployment now; None: not known.
    """

    service: Object
    record: ReleaseRecord
    routes: dict[str, Object | None]
    settings: dict[str, str] | None
    kserve_version: str | None
    n_replicas: int | None

    @property
    def name(self) -> str:
        """Of the InferenceService."""
        return str(self.service["metadata"]["name"])

    @property
    def predictor(self) -> Object:
        """The champion's."""
        return predictor_of(self.service)

    @property
    def is_under_way(self) -> bool:
        """Whether this very release has been offered already."""
        label = release_label(self.record.release_id)
        entries = [self.predictor, *(one["predictor"] for one in canaries_of(self.service))]
        return any(release_of(one) == label for one in entries)


def refusal(situation: Situation) -> str | None:
    """The first reason; None: there is none."""
    mode = mode_of(situation.service)
    checks = [*_ALWAYS]
    if mode is not None:
        checks += _KNATIVE if mode == "Knative" else _STANDARD
    return next((found for check in checks if (found := check(situation))), None)


def _mode(its: Situation) -> str | None:
    if mode_of(its.service) is not None:
        return None
    return (
        f"the deployment mode of {its.name} is {mode_name(its.service) or 'not known'}: only Knative and Standard can "
        f"split traffic; set the annotation {MODE_ANNOTATION} and wait for status.deploymentMode"
    )


def _steps(its: Situation) -> str | None:
    for step in its.record.policy.get("steps") or ():
        if not (isinstance(step, int | float) and float(step).is_integer() and 0 <= step <= 100):
            return f"KServe takes whole percentages from 0 to 100 only, and the policy has a step {step}: round it"
    return None


def _equal(its: Situation) -> str | None:
    if (
        getattr(its.record, "is_aa", False)
        or its.record.challenger.manifest_sha256 != its.record.champion.manifest_sha256
    ):
        return None
    return (
        f"the challenger is the champion itself (manifest {its.record.champion.manifest_sha256[:12]}): offer another "
        "bundle, or say --aa for a rehearsal"
    )


def _place(its: Situation) -> str | None:
    place = its.record.challenger.place
    if "://" not in place:
        return f"the challenger's place {place} is a folder, which pods cannot fetch: upload it and name its s3://…"
    if place.startswith(_PREFIXES) and not place.endswith("/"):
        return f"{place} does not end in /: KServe would fetch {place}0 and its like as well; add the slash"
    if bundle_place(its.predictor) is None:
        return (
            f"the predictor of {its.name} has neither model.storageUri nor STORAGE_URI in {KSERVE_CONTAINER}: there is "
            "nothing to put the challenger's place into; add one"
        )
    return None


def _champion(its: Situation) -> str | None:
    if its.is_under_way:
        return None
    champion, place = its.record.champion, bundle_place(its.predictor)
    found = identity_of(its.predictor, place)
    if found == champion.manifest_sha256 or (found == place and place == champion.place):
        return None
    return (
        f"{its.name} serves {found}, and the champion of this release is {champion.version} from {champion.place} "
        f"(manifest {champion.manifest_sha256[:12]}): name the bundle that serves as the champion"
    )


def _transformer(its: Situation) -> str | None:
    if "transformer" not in its.service["spec"]:
        return None
    return (
        f"{its.name} has spec.transformer, whose pods would ask either arm's predictor: put it into spec.predictor as "
        "transformer-container, behind kserve-container"
    )


def _first_container(its: Situation) -> str | None:
    containers = its.predictor.get("containers") or ()
    if not containers or its.predictor.get("model") or containers[0].get("name") == KSERVE_CONTAINER:
        return None
    return (
        f"the first container of {its.name} is {containers[0].get('name')}, and KServe overwrites the first by "
        f"{KSERVE_CONTAINER}: put {KSERVE_CONTAINER} first"
    )


def _replicas(its: Situation) -> str | None:
    at_least = its.predictor.get("minReplicas", 1)
    if at_least < 1:
        return (
            f"spec.predictor.minReplicas of {its.name} is {at_least}: the challenger would have no pod at 0 %, and "
            "cold starts would be its verdict; set 1 or more"
        )
    if mode_of(its.service) == "Standard" and its.n_replicas is not None and its.n_replicas > at_least:
        return (
            f"the champion has {its.n_replicas} pods now, and a canary is not scaled: the challenger would have "
            f"{at_least}; set spec.predictor.minReplicas to {its.n_replicas} for the time of the release"
        )
    return None


def _rolled_out(its: Situation) -> str | None:
    status = component_status(its.service)
    if not (rolled_out := status.get("latestRolledoutRevision")):
        return f"{its.name} has no rolled-out revision, and KServe ignores percentages then: wait until it is Ready"
    if its.is_under_way:
        return None
    traffic = [one for one in status.get("traffic") or () if one.get("percent")]
    if status.get("latestCreatedRevision") != rolled_out or any(
        one.get("revisionName") != rolled_out for one in traffic
    ):
        shown = ", ".join(f"{one.get('revisionName')} {one.get('percent')} %" for one in traffic)
        return (
            f"{its.name} is in a rollout that is not ours ({PERCENT}: {its.predictor.get(PERCENT)}; {shown}; the "
            f"latest revision is {status.get('latestCreatedRevision')}): end it, so that one has 100 %"
        )
    return None


def _ready(its: Situation) -> str | None:
    if its.is_under_way or is_true(its.service, "PredictorReady"):
        return None
    return f"the champion of {its.name} is not rolled out (PredictorReady is not True): wait until it is, or mend it"


def _other_canary(its: Situation) -> str | None:
    foreign = foreign_canaries(its.service, release_label(its.record.release_id))
    if not foreign:
        return None
    return (
        f"{its.name} has a canary that is not ours ({foreign[0]['predictor'].get('name')}, "
        f"{foreign[0].get('trafficPercent', 0)} %): promote it or take it away"
    )


def _gateway(its: Situation) -> str | None:
    ingress = _json(its, "ingress")
    if ingress.get("enableGatewayApi") is False or (ingress and "enableGatewayApi" not in ingress):
        return (
            f"KServe's ingress of {its.name} does not use the Gateway API, and no other knows canaries: set "
            "enableGatewayApi in inferenceservice-config, with a gateway"
        )
    if its.routes.get(its.name) is None:
        named = service_name(its.name, its.predictor)
        return (
            f"there is no HTTPRoute {its.name}, by which the split could be made and seen: enable the Gateway API in "
            f"KServe, or take away the cluster-local visibility (looked for {its.name} and {named})"
        )
    return None


def _kserve(its: Situation) -> str | None:
    found = its.kserve_version or _version_of(its)
    if found is None:
        return (
            "which KServe it is could not be read (ConfigMap inferenceservice-config, images agent, router, "
            "storageInitializer), and up to 0.20.0 it routes nothing to spec.canary: say --kserve-version"
        )
    try:
        version = Version(found)
    except InvalidVersion:
        return f"KServe's version {found!r} is none: say --kserve-version as in 0.21.0"
    if version.release <= _ROUTES_NOTHING.release:
        return (
            f"KServe {found} takes spec.canary and routes nothing to it: update KServe beyond {_ROUTES_NOTHING}, or "
            "use the Knative mode"
        )
    return None


def _version_of(its: Situation) -> str | None:
    for section in ("agent", "router", "storageInitializer"):
        image = str(_json(its, section).get("image") or "")
        if tag := re.search(r":v?(\d+\.\d+\.\d+\S*)$", image):
            return tag.group(1)
    return None


def _json(its: Situation, section: str) -> Object:
    try:
        found = json.loads((its.settings or {}).get(section) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


_Check = Callable[[Situation], str | None]
_ALWAYS: tuple[_Check, ...] = (_mode, _steps, _equal, _place, _transformer, _first_container, _champion, _replicas)
_KNATIVE: tuple[_Check, ...] = (_rolled_out,)
_STANDARD: tuple[_Check, ...] = (_kserve, _gateway, _ready, _other_canary)
