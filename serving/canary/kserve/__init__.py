"""Releases on KServe: the split by an InferenceService in both modes, the record in a ConfigMap, a Lease."""

from serving.canary.kserve.cluster import Cluster
from serving.canary.kserve.route import KServeRoute
from serving.canary.kserve.store import ConfigMapStore

__all__ = ["Cluster", "ConfigMapStore", "KServeRoute"]
