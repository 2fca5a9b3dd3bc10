"""What Prometheus scrapes and what asks Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml
from prometheus_client import REGISTRY, CollectorRegistry

from delivery.given import METRICS
from delivery.kserve_pods import predictors_of
from delivery.render import Object
from delivery.rendered import Rendered, namespace_of, title

# Not in quotes, and no part of a recording rule's name.
_METRIC = re.compile(r"(?<![\w:])silencio_\w+(?![\w:])")
_OTHERS_METRIC = re.compile(r"\b(?:container|kube|kubelet|node|probe|process|DCGM)_\w+|\bup\b(?=\s*[{=)\]]|$)")
_RECORDED = re.compile(r"\b[a-z]\w*:[\w:]+")
_NAMESPACE = re.compile(r'namespace="([^"]*)"')


@cache
def exported_metrics() -> frozenset[str]:
    """Names of all series that servers, a release's judge and drift's exporter have, as Prometheus names them."""
    # Imported for what they register.
    import serving.metrics.model
    import serving.metrics.process
    import serving.metrics.sessions  # noqa: F401
    from monitoring.drift.gauges import METRICS, DriftGauges
    from serving.canary.state_gauge import release_gauge

    of_releases, of_drift = CollectorRegistry(), CollectorRegistry()
    release_gauge(of_releases)
    # Without a document it has its counter alone; its gauges are named.
    DriftGauges("", of_drift)
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    of_servers = frozenset(
        f"{family.name}{ending}"
        for registry in (REGISTRY, of_releases, of_drift)
        for family in registry.collect()
        for ending in endings.get(family.type, ("",))
    )
    return of_servers | frozenset(METRICS)


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
    recorded = {str(rule.get("record")) for _, rule in rules_of(rendered)}
    for place, query in [(place, str(rule["expr"])) for place, rule in rules_of(rendered)] + list(panels_of(rendered)):
        yield from ((place, fault) for fault in _unknown(query))
        for name in _OTHERS_METRIC.findall(_unquoted(query)):
            if name not in METRICS:
                yield place, f"nobody is known to have the metric {name}"
        for name in _RECORDED.findall(_unquoted(query)):
            if name not in recorded:
                yield place, f"no rule records {name}"


def rules_of(rendered: Rendered) -> Iterator[tuple[str, Object]]:
    """Rules of Prometheus in config maps and of its operator's objects, with the object of each."""
    for one, content in _files(rendered, ".yml"):
        if isinstance(content, dict):
            for group in content.get("groups") or ():
                yield from ((title(one), rule) for rule in group["rules"])
    for one in rendered.of_kind("PrometheusRule"):
        for group in one["spec"].get("groups") or ():
            yield from ((title(one), rule) for rule in group["rules"])


def panels_of(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Queries of Grafana's dashboards in config maps, with the config map of each."""
    for one, content in _files(rendered, ".json"):
        for panel in content.get("panels") or ():
            yield from ((title(one), str(target["expr"])) for target in panel.get("targets") or ())


def scraped_of(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """What a Prometheus that is told by a file asks by name, with the config map of each."""
    for one, content in _files(rendered, "prometheus.yml"):
        jobs = [*content["scrape_configs"], *(content.get("alerting") or {}).get("alertmanagers", ())]
        for job in jobs:
            for static in job.get("static_configs") or ():
                yield from ((title(one), str(target)) for target in static["targets"])
            yield from ((title(one), str(found["url"])) for found in job.get("http_sd_configs") or ())


def _files(rendered: Rendered, ending: str) -> Iterator[tuple[Object, Any]]:
    for one in rendered.of_kind("ConfigMap"):
        for name, text in (one.get("data") or {}).items():
            if name.endswith(ending):
                yield one, yaml.safe_load(text)


def arm_label(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Each endpoint of a PodMonitor of serving pods sets `arm`, in Standard and in Knative mode."""
    for monitor in rendered.of_kind("PodMonitor"):
        if "serving.kserve.io/inferenceservice" not in (monitor["spec"]["selector"].get("matchLabels") or {}):
            continue
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
    for name in _METRIC.findall(_unquoted(text)):
        if name not in exported_metrics():
            yield f"no server has the metric {name}"


def _unquoted(query: str) -> str:
    return re.sub(r'"[^"]*"', '""', query)
