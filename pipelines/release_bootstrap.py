"""The bundle that an InferenceService begins with: MLflow's champion, unless a release has brought one."""

from __future__ import annotations

import argparse
import os

from pipelines.release_registry import CHAMPION, bundle_uri
from serving.canary.kserve.cluster import CONFIG_MAP, INFERENCE_SERVICE, Cluster, Object
from serving.canary.kserve.inference_service import canaries_of, predictor_of
from serving.canary.kserve.predictors import MANIFEST_ANNOTATION, named_bundle, release_of
from serving.canary.kserve.store import ConfigMapStore
from silencio.console import Console
from silencio.errors import ConfigError
from silencio.registry.releases import Registered, registered
from silencio.release.record import BundleIdentity


def bootstrap(options: argparse.Namespace) -> int:
    """Set the bundle, where that is nobody else's matter yet.

    Args:
        options: `isvc` and `uri`.

    Returns:
        0: it is set, or stays what it is; what was done is printed.

    Raises:
        ConfigError: NAMESPACE/NAME is none, or KServe could not fetch the champion from where MLflow keeps it.
        RegistryError: MLflow does not answer.
        RouteError: The InferenceService cannot be read or written, or was written meanwhile; run it again.
    """
    namespace, _, name = options.isvc.partition("/")
    if not namespace or not name:
        raise ConfigError(f"--isvc {options.isvc!r}: give NAMESPACE/NAME")
    Console().print(f"{options.isvc}: {set_bundle(Cluster.connect(namespace), name, options.uri)}", soft_wrap=True)
    return 0


def set_bundle(cluster: Cluster, name: str, pattern: str) -> str:
    """The same, of a cluster.

    Args:
        cluster: Where.
        name: Name of the InferenceService.
        pattern: Where KServe fetches bundles from, as `bundle_uri` takes it.

    Returns:
        What was done, as a sentence.
    """
    service = cluster.get(INFERENCE_SERVICE, name)
    place = (predictor_of(service).get("model") or {}).get("storageUri")
    if owner := _owner(cluster, name, service):
        return f"{owner}: its bundle stays {place}"
    champion = registered(CHAMPION) if os.environ.get("MLFLOW_TRACKING_URI") else None
    if champion is None:
        return f"no version in MLflow has the alias {CHAMPION}: its bundle stays {place}"
    patch = _patch(champion, bundle_uri(pattern, champion))
    # Whoever wrote meanwhile, a release above all, is not written over.
    patch["metadata"] = {"resourceVersion": service["metadata"]["resourceVersion"]}
    cluster.patch(INFERENCE_SERVICE, name, patch)
    return f"it serves the champion, version {champion.number} ({champion.bundle_version}), in place of {place}"


def _owner(cluster: Cluster, name: str, service: Object) -> str:
    """Who has set the bundle, or is about to; empty: nobody but Git."""
    predictor = predictor_of(service)
    if cluster.find(CONFIG_MAP, ConfigMapStore(cluster, name).name) is not None:
        return "it has had a release"
    if canaries_of(service) or release_of(predictor):
        return "a release is on its way"
    if MANIFEST_ANNOTATION in (predictor.get("annotations") or {}):
        return "its bundle has been set before"
    if not isinstance(predictor.get("model"), dict):
        raise ConfigError(f"spec.predictor of {name} has no model: only of one with a storageUri a bundle can be set")
    return ""


def _patch(champion: Registered, place: str) -> Object:
    identity = BundleIdentity(version=champion.bundle_version, manifest_sha256=champion.manifest_sha256, place=place)
    return {
        "spec": {
            "predictor": {
                "model": {"storageUri": place},
                **named_bundle(identity),
            }
        }
    }
