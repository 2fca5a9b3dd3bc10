"""deploy_staging: a packaged bundle in the staging environment, and sent what clients send, before any release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from serving.canary.clock import Clock, SystemClock
from serving.canary.endpoint_checks import has_parity, integration_fault
from serving.canary.kserve.cluster import INFERENCE_SERVICE, Cluster, Object
from serving.canary.kserve.inference_service import canaries_of, not_true, predictor_of
from serving.canary.kserve.predictors import bundle_place, merge_patch, serving_from
from serving.canary.simulated import clips_of
from serving.canary.steps.release_place import KSERVE
from serving.simulate.recordings import recordings_of
from serving.simulate.simulated_client import SimulatedClient
from silencio.bundle.manifest import read_manifest
from silencio.errors import ConfigError, ReleaseError, ReleaseRefusedError, RouteChangedError

_NAME = "staging"
_PAUSE_S = 5.0
_MAX_CONFLICTS = 20
_CONDITIONS = ("Ready",)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the step reads.

    Attributes:
        staging: `kserve:NAMESPACE/NAME` of the staging environment; empty: there is none.
        url: The address at which it answers, for pods.
        api_key: A key that it takes; empty: it wants none.
        bundle: Folder of the packaged bundle.
        uri: Where it was packaged.
        max_wait_s: How long pods may take to serve it.
        clock: Time.
        connect: Gives the cluster of a namespace.
    """

    staging: str
    url: str
    bundle: Path
    uri: str
    api_key: str = ""
    max_wait_s: float = 1_800.0
    clock: Clock = field(default_factory=SystemClock)
    connect: Callable[[str], Cluster] = Cluster.connect


def run(inputs: Inputs) -> str:
    """Have the environment serve the bundle, wait until its address does, replay the parity clips, send clips.

    A release that is on its way there is never disturbed. What serves already is asked all the same.

    Returns:
        What was found, for people.

    Raises:
        ConfigError: A place or an address is missing.
        RouteError: The cluster does not answer, or refuses.
        ReleaseRefusedError: A release is on its way in staging, or the bundle is not served as it was exported.
        ReleaseError: It is not served in time.
    """
    if not inputs.staging:
        return "no staging environment is named: the bundle goes on to its release"
    namespace, _, name = inputs.staging.removeprefix(KSERVE).partition("/")
    if not inputs.staging.startswith(KSERVE) or not namespace or not name:
        raise ConfigError(f"staging {inputs.staging!r}: give {KSERVE}NAMESPACE/NAME, or nothing")
    if not inputs.url:
        raise ConfigError("staging_url is empty: give the address at which the staging environment answers for pods")
    manifest = read_manifest(inputs.bundle)
    cluster = inputs.connect(namespace)
    _set_bundle(cluster, name, inputs.uri)
    _wait(inputs, cluster, name, f"{name}@{manifest.manifest_sha256[:16]}")
    with SimulatedClient(inputs.url, inputs.api_key) as client:
        if not has_parity(client, inputs.bundle, _NAME):
            raise ReleaseRefusedError(f"{_NAME} gives other numbers than bundle {manifest.version} had at its export")
        if fault := integration_fault(client, clips_of(recordings_of(None))[0], _NAME):
            raise ReleaseRefusedError(f"bundle {manifest.version} in {_NAME}: {fault}")
    return f"{inputs.staging} serves bundle {manifest.version} with its numbers"


def _set_bundle(cluster: Cluster, name: str, uri: str) -> None:
    for _ in range(_MAX_CONFLICTS):
        service = cluster.get(INFERENCE_SERVICE, name)
        predictor = predictor_of(service)
        if canaries_of(service) or predictor.get("canaryTrafficPercent") is not None:
            raise ReleaseRefusedError(
                f"a release is on its way in {cluster.namespace}/{name}: wait for its end, or end it by `silencio "
                f"release abort --isvc {cluster.namespace}/{name}`"
            )
        if bundle_place(predictor) == uri:
            return
        try:
            cluster.patch(INFERENCE_SERVICE, name, _patch(service, uri))
        except RouteChangedError:
            continue  # controllers write statuses all the time
        return
    raise ReleaseError(f"{cluster.namespace}/{name} is written again and again by somebody else: see who does")


def _patch(service: Object, uri: str) -> Object:
    before = predictor_of(service)
    return {
        "metadata": {"resourceVersion": service["metadata"]["resourceVersion"]},
        "spec": {"predictor": merge_patch(before, serving_from(before, uri))},
    }


def _wait(inputs: Inputs, cluster: Cluster, name: str, pinned: str) -> None:
    """Until the address answers for this very bundle; pods of the former one may answer for a while."""
    deadline_s = inputs.clock.now_s() + inputs.max_wait_s
    while True:
        why = not_true(cluster.get(INFERENCE_SERVICE, name), _CONDITIONS) or _unserved(inputs, pinned)
        if not why:
            return
        if inputs.clock.now_s() >= deadline_s:
            raise ReleaseError(
                f"staging does not serve {inputs.uri} after {inputs.max_wait_s:g} s ({why}): see its pods' events"
            )
        inputs.clock.wait(_PAUSE_S)


def _unserved(inputs: Inputs, pinned: str) -> str:
    headers = {"Authorization": f"Bearer {inputs.api_key}"} if inputs.api_key else {}
    try:
        answer = httpx.get(f"{inputs.url.rstrip('/')}/v1/models/{pinned}", headers=headers, timeout=20.0)
    except httpx.HTTPError as error:
        return f"{inputs.url} does not answer: {type(error).__name__}"
    return "" if answer.is_success else f"{inputs.url} answers {answer.status_code} for this bundle"
