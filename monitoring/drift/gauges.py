"""The latest drift.json as gauges: an exporter, which Prometheus finds away when it is, unlike a Pushgateway."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitoring.drift.place import days_of, document_uri, read_document
from silencio.drift.document import Cause, DriftDocument, SiteVerdict
from silencio.drift.trial import size_in
from silencio.errors import SilencioError
from silencio.storage import list_objects

# A series for each counter that tells when it began, which nobody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]  # it takes nothing

CAUSES: tuple[str, ...] = get_args(Cause)


class DriftGauges(Collector):
    """Gauges of the newest day that has a document.

    A place that is away, or a document that is broken, leaves the last values: how old they are stands in
    `silencio_drift_last_run_timestamp_seconds`, and that something is wrong in `silencio_drift_exporter_errors_total`.

    Args:
        place: Folder or s3:// prefix that `silencio drift run` writes to.
        registry: Gets the gauges and the counter of errors.
    """

    def __init__(self, place: str, registry: CollectorRegistry) -> None:
        self._place = place
        self._seen: tuple[str, str] | None = None
        self._document: DriftDocument | None = None
        self._errors = Counter(
            "silencio_drift_exporter_errors",
            "Times that the place or its newest drift.json could not be read.",
            registry=registry,
        )
        registry.register(self)

    def refresh(self) -> str | None:
        """Read the newest document where it is another one than before.

        Returns:
            One sentence where it could not be read.
        """
        try:
            self._read()
        except SilencioError as error:
            self._errors.inc()
            return str(error)
        return None

    def collect(self) -> Iterator[Metric]:
        """Gauges of the document that was read last; none before there was one."""
        return iter(() if self._document is None else gauges_of(self._document))

    def _read(self) -> None:
        for day in reversed(days_of(self._place)):
            uri = document_uri(self._place, day)
            versions = {one.uri: one.version for one in list_objects(uri.rsplit("/", 1)[0])}
            if uri not in versions:
                continue  # a run that is writing the day's pages, or was killed there
            if self._seen != (uri, versions[uri]):
                self._document = read_document(self._place, day)
                self._seen = (uri, versions[uri])
            return


def gauges_of(document: DriftDocument) -> list[Metric]:
    """Every gauge of a document, with all causes for each site.

    Args:
        document: The newest day's.
    """
    made = _Families()
    for site in document.sites:
        name = site.site_id
        for signal, effect in _effects(site).items():
            made.add("silencio_drift_effect", effect, site=name, signal=signal)
        found = {cause.cause: cause for cause in site.causes}
        for cause in CAUSES:
            made.add("silencio_drift_cause", float(cause in found), site=name, cause=cause)
            is_alert = cause in found and found[cause].alert
            made.add("silencio_drift_alert", float(is_alert), site=name, cause=cause)
        made.add("silencio_drift_last_run_timestamp_seconds", document.made_at.timestamp(), site=name)
        made.add("silencio_drift_recordings", float(site.n_recordings), site=name)
        made.add("silencio_reviews", float(site.n_reviews), site=name)
        made.add("silencio_expected_precision_ratio", site.expected_precision, site=name)
        made.add("silencio_expected_precision_reference_ratio", site.expected_precision_reference, site=name)
        made.add("silencio_review_precision_ratio", site.review_precision, site=name)
        made.add("silencio_review_expected_ratio", site.review_expected, site=name)
        moved = site.importance
        size = None if moved is None or moved.value is None or not moved.threshold else moved.value / moved.threshold
        made.add("silencio_drift_importance_effect", None if size is None else abs(size), site=name)
        made.add("silencio_drift_importance_windows", float(0 if moved is None else moved.n_windows), site=name)
        for code, n_detections in site.detections_by_species.items():
            made.add("silencio_day_detections", float(n_detections), site=name, code=code)
    return made.families()


def serve_gauges(place: str, host: str, port: int, every_s: float, stopped: threading.Event) -> Iterator[str]:
    """Serve the gauges until `stopped` is set, and look at the place every so often.

    Args:
        place: Folder or s3:// prefix that `silencio drift run` writes to.
        host: Address to listen on.
        port: Port; 0 takes a free one.
        every_s: Seconds between two looks at the place.
        stopped: Ends it.

    Yields:
        First where it listens, then a sentence whenever something else is wrong than at the look before.

    Raises:
        OSError: The port is taken.
    """
    registry = CollectorRegistry()
    gauges = DriftGauges(place, registry)
    server, thread = start_http_server(port, host, registry)
    try:
        yield f"http://{host}:{server.server_port}/metrics"
        reported: str | None = None
        while True:
            trouble = gauges.refresh()
            if trouble is not None and trouble != reported:
                yield trouble
            reported = trouble
            if stopped.wait(every_s):
                return
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Families:
    def __init__(self) -> None:
        self._made: dict[str, tuple[GaugeMetricFamily, tuple[str, ...]]] = {}

    def add(self, name: str, value: float | None, **labels: str) -> None:
        """One sample; None is none."""
        family, names = self._made.setdefault(name, (_family(name, tuple(labels)), tuple(labels)))
        if value is not None:
            family.add_metric([labels[label] for label in names], value)

    def families(self) -> list[Metric]:
        return [family for family, _ in self._made.values()]


# Every gauge, with its help.
METRICS: Mapping[str, str] = {
    "silencio_drift_effect": "Largest effect of a signal over the site's devices, over its threshold.",
    "silencio_drift_cause": "Whether the day's verdict found the cause.",
    "silencio_drift_alert": "Whether the cause held on three of the last four days that were compared.",
    "silencio_drift_last_run_timestamp_seconds": "When the newest verdict was made.",
    "silencio_drift_recordings": "Recordings of the day.",
    "silencio_reviews": "Judgements behind the reviewed precision.",
    "silencio_expected_precision_ratio": "Mean calibrated probability of what was detected.",
    "silencio_expected_precision_reference_ratio": "The same of the reference.",
    "silencio_review_precision_ratio": "Share of reviewed detections that were right.",
    "silencio_review_expected_ratio": "Mean calibrated probability of the reviewed detections.",
    "silencio_drift_importance_effect": "How far what predictions rest on has moved, over its threshold.",
    "silencio_drift_importance_windows": "Windows of the day that were explained; 0 where it was not looked at.",
    "silencio_day_detections": "Detections of the day, of the twenty most frequent species.",
}


def _family(name: str, labels: tuple[str, ...]) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, METRICS[name], labels=labels)


def _effects(site: SiteVerdict) -> dict[str, float]:
    """Largest effect over threshold by signal; 1 is where it begins to matter, 0 a direction that does not."""
    found: dict[str, float] = {}
    for one in site.signals:
        size = size_in(one.signal, one.effect, one.threshold)
        found[one.signal] = max(found.get(one.signal, 0.0), size)
    return found
