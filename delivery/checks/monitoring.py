"""What Prometheus scrapes and what asks Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from prometheus_client import REGISTRY

from delivery.kserve_pods import predictors_of
from delivery.rendered import Rendered, namespace_of, title

_METRIC = re.compile(r"\bsilencio_\w+")
_NAMESPACE = re.compile(r'namespace="([^"]*)"')


@cache
def exported_metrics() -> frozenset[str]:
    """Names of all series that our servers have: counters with `_total`, histograms by their parts."""
    # Imported for what they register.
    import serving.metrics.model
    import serving.metrics.process
    import serving.metrics.sessions  # noqa: F401

    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return frozenset(
        f"{family.name}{ending}" for family in REGISTRY.collect() for ending in endings.get(family.type, ("",))
    )


def metric_names(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Queries and relabelings name metrics that servers have, and queries the namespace that they are in."""
    for service in rendered.of_kind("InferenceService"):
        for predictor in predictors_of(service):
            for one in (predictor.get("autoScaling") or {}).get("metrics") or ():
                query = str(((one.get("external") or {}).get("metric") or {}).get("query", ""))
                yield from ((title(service), fault) for fault in _unknown(query))
                if query and _NAMESPACE.findall(query) != [namespace_of(service)]:
                    yield title(service), f"the query {query} is not of the namespace {namespace_of(service)} alone"
    for monitor in rendered.of_kind("PodMonitor"):
        for endpoint in monitor["spec"].get("podMetricsEndpoints") or ():
            for one in endpoint.get("metricRelabelings") or ():
                yield from ((title(monitor), fault) for fault in _unknown(str(one.get("regex", ""))))


def arm_label(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Each endpoint of a PodMonitor sets `arm`, in Standard and in Knative mode."""
    for monitor in rendered.of_kind("PodMonitor"):
        for endpoint in monitor["spec"].get("podMetricsEndpoints") or ():
            sources = {
                source
                for one in endpoint.get("relabelings") or ()
                if one.get("targetLabel") == "arm"
                for source in one.get("sourceLabels") or ()
            }
            for label in ("app", "serving_knative_dev_revision"):
                if f"__meta_kubernetes_pod_label_{label}" not in sources:
                    yield (
                        title(monitor),
                        f"the endpoint {endpoint.get('port')} does not set `arm` by the pods' label {label}",
                    )


def _unknown(text: str) -> Iterator[str]:
    for name in _METRIC.findall(text):
        if name not in exported_metrics():
            yield f"no server has the metric {name}"
