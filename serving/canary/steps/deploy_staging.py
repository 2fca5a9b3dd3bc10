"""deploy_staging: a packaged bundle in the staging environment, and sent what clients send, before any release."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from serving.canary.clock import Clock, SystemClock
from serving.canary.endpoint_checks import refusal_of
from serving.canary.kserve.cluster import INFERENCE_SERVICE, Cluster, Object
from serving.canary.kserve.inference_service import canaries_of, not_true, predictor_of
from serving.canary.kserve.predictors import bundle_place, identity_of, merge_patch, serving_bundle
from serving.canary.kserve.store import ConfigMapStore
from serving.canary.steps.release_place import KSERVE
from serving.client import UnreachableError
from serving.client.options import API_KEY
from serving.simulate.simulated_client import SimulatedClient
from silencio.bundle.manifest import read_manifest
from silencio.errors import ConfigError, ReleaseError, ReleaseRefusedError, RouteChangedError
from silencio.release.deliveries import refusal_noted
from silencio.release.record import BundleIdentity

_PAUSE_S = 5.0
_MAX_CONFLICTS = 20
_CONDITIONS = ("Ready",)
_UNAUTHORIZED = (401, 403)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the step reads.

    Attributes:
        staging: `kserve:NAMESPACE/NAME` of the staging environment; empty: there is none.
        url: The address at which it answers, for pods.
        production: Where the bundle is released later: never the same.
        bundle: Folder of the packaged bundle.
        uri: Where it was packaged.
        recordings_version: Version of the recordings, from `inputs_version`.
        packages: Folder or `s3://` prefix where a refusal is noted.
        max_wait_s: How long pods may take to serve it.
        clock: Time.
        connect: Gives the cluster of a namespace.
    """

    staging: str
    url: str
    production: str
    bundle: Path
    uri: str
    recordings_version: str
    packages: str
    max_wait_s: float = 1_800.0
    clock: Clock = field(default_factory=SystemClock)
    connect: Callable[[str], Cluster] = Cluster.connect


def run(inputs: Inputs) -> str:
    """Have the environment serve the bundle, wait until its address does, replay the parity clips, send clips.

    A release that has begun there is never disturbed. What serves already is asked all the same.

    Returns:
        What was found, for people.

    Raises:
        ConfigError: A place, an address or a key is missing, staging is production, or the key would go in clear.
        RouteError: The cluster does not answer, or refuses.
        ReleaseError: A release is on its way in staging, or the bundle is not served in time.
        ReleaseRefusedError: It is not served as it was exported; it is noted.
    """
    if not inputs.staging:
        return "no staging environment is named: the bundle goes on to its release"
    namespace, name = _named(inputs)
    manifest = read_manifest(inputs.bundle)
    # By this name servers of this very bundle answer, and no pod of the former one.
    model_name = f"{name}@{manifest.manifest_sha256[:16]}"
    identity = BundleIdentity(version=manifest.version, manifest_sha256=manifest.manifest_sha256, place=inputs.uri)
    with SimulatedClient(inputs.url, os.environ.get(API_KEY, ""), model_name=model_name) as client:
        cluster = inputs.connect(namespace)
        _set_bundle(cluster, name, identity)
        with refusal_noted(inputs.packages, manifest, inputs.recordings_version):
            _try(inputs, cluster, name, client)
    return f"{inputs.staging} serves bundle {manifest.version} with its numbers"


def _named(inputs: Inputs) -> tuple[str, str]:
    namespace, _, name = inputs.staging.removeprefix(KSERVE).partition("/")
    if not inputs.staging.startswith(KSERVE) or not namespace or not name:
        raise ConfigError(f"staging {inputs.staging!r}: give {KSERVE}NAMESPACE/NAME, or nothing")
    if inputs.staging == inputs.production:
        raise ConfigError(
            f"staging and place are both {inputs.staging}: all visitors would get the bundle at once; name another one"
        )
    if not inputs.url:
        raise ConfigError("staging_url is empty: give the address at which the staging environment answers for pods")
    return namespace, name


def _set_bundle(cluster: Cluster, name: str, bundle: BundleIdentity) -> None:
    for _ in range(_MAX_CONFLICTS):
        service = cluster.get(INFERENCE_SERVICE, name)
        predictor = predictor_of(service)
        last = ConfigMapStore(cluster, name).load()
        has_begun = last is not None and not last.has_ended
        if has_begun or canaries_of(service) or predictor.get("canaryTrafficPercent") is not None:
            raise ReleaseError(
                f"a release is on its way in {cluster.namespace}/{name}: wait for its end, or end it by `silencio "
                f"release abort --isvc {cluster.namespace}/{name}`"
            )
        if bundle_place(predictor) == bundle.place and identity_of(predictor, None) == bundle.manifest_sha256:
            return
        try:
            cluster.patch(INFERENCE_SERVICE, name, _patch(service, bundle))
        except RouteChangedError:
            continue  # controllers write statuses all the time
        return
    raise ReleaseError(f"{cluster.namespace}/{name} is written again and again by somebody else: see who does")


def _patch(service: Object, bundle: BundleIdentity) -> Object:
    before = predictor_of(service)
    return {
        "metadata": {"resourceVersion": service["metadata"]["resourceVersion"]},
        "spec": {"predictor": merge_patch(before, serving_bundle(before, bundle))},
    }


def _try(inputs: Inputs, cluster: Cluster, name: str, client: SimulatedClient) -> None:
    """Until servers of this bundle alone answer, and answer well; pods of the former one answer 404 for a while."""
    deadline_s = inputs.clock.now_s() + inputs.max_wait_s
    while True:
        why = not_true(cluster.get(INFERENCE_SERVICE, name), _CONDITIONS) or _unserved(inputs, client)
        if not why:
            try:
                refusal = refusal_of(client, inputs.bundle, "staging")
            except ReleaseError as error:
                why = str(error)
            else:
                if refusal:
                    raise ReleaseRefusedError(refusal)
                return
        if inputs.clock.now_s() >= deadline_s:
            raise ReleaseError(
                f"staging does not serve {inputs.uri} after {inputs.max_wait_s:g} s ({why}): see its pods' events"
            )
        inputs.clock.wait(_PAUSE_S)


def _unserved(inputs: Inputs, client: SimulatedClient) -> str:
    try:
        status = client.client.model_status()
    except UnreachableError as error:
        return str(error)
    if status in _UNAUTHORIZED:
        raise ConfigError(f"{inputs.url} answers {status}: give a key that it takes, by {API_KEY}")
    return "" if status < 300 else f"{inputs.url} answers {status} for this bundle"
