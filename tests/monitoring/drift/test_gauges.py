"""The exporter's gauges."""

from __future__ import annotations

import threading
import urllib.request
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from monitoring.drift.gauges import CAUSES, DriftGauges, serve_gauges
from monitoring.drift.place import document_uri, write_document
from silencio.storage import write_bytes
from tests.monitoring.drift.made_documents import DAY, MADE_AT, change, importance, made_document, quiet_site, site


def sample(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_gauges__are_those_of_the_newest_day(place: str) -> None:
    registry = CollectorRegistry()
    gauges = DriftGauges(place, registry)
    assert gauges.refresh() is None and list(gauges.collect()) == []
    write_document(place, made_document(quiet_site("north"), day=DAY - timedelta(days=1)))
    assert gauges.refresh() is None
    assert sample(registry, "silencio_drift_cause", site="north", cause="microphone_or_site") == 0
    write_document(place, made_document())
    assert gauges.refresh() is None
    assert sample(registry, "silencio_drift_cause", site="north", cause="microphone_or_site") == 1
    assert sample(registry, "silencio_drift_alert", site="north", cause="microphone_or_site") == 1
    # Every cause of every site, so that no rule meets a series that is missing.
    for name in ("north", "south"):
        for cause in CAUSES:
            assert sample(registry, "silencio_drift_alert", site=name, cause=cause) is not None
    assert sample(registry, "silencio_drift_effect", site="north", signal="floor_db") == 2.0
    assert sample(registry, "silencio_drift_last_run_timestamp_seconds", site="south") == MADE_AT.timestamp()
    assert sample(registry, "silencio_drift_recordings", site="north") == 288
    assert sample(registry, "silencio_day_detections", site="north", code="grekis") == 12
    assert sample(registry, "silencio_review_precision_ratio", site="north") == 0.7
    assert sample(registry, "silencio_review_precision_ratio", site="south") is None
    assert sample(registry, "silencio_reviews", site="south") == 0


def test_effect__is_the_largest_over_devices_whatever_its_sign(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    gauges = DriftGauges(str(tmp_path), registry)
    signals = (change(effect=3.0), change(device_id="am-2", effect=-9.0), change(device_id="am-3", effect=6.0))
    write_document(str(tmp_path), made_document(site(signals=signals)))
    gauges.refresh()
    assert sample(registry, "silencio_drift_effect", site="north", signal="floor_db") == 3.0


def test_importance__is_over_its_threshold_whatever_its_sign(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    gauges = DriftGauges(str(tmp_path), registry)
    moved = site(importance=importance(value=-1.0, threshold=0.5))
    unseen = importance(measure=None, value=None, threshold=None, beyond=False, n_windows=0)
    old = quiet_site("old")
    write_document(str(tmp_path), made_document(moved, quiet_site("south", importance=unseen), old))
    gauges.refresh()
    assert sample(registry, "silencio_drift_importance_effect", site="north") == 2.0
    assert sample(registry, "silencio_drift_importance_windows", site="north") == 16
    for name in ("south", "old"):
        assert sample(registry, "silencio_drift_importance_effect", site=name) is None
        assert sample(registry, "silencio_drift_importance_windows", site=name) == 0


def test_document__that_was_made_anew_is_read_again(place: str) -> None:
    registry = CollectorRegistry()
    gauges = DriftGauges(place, registry)
    write_document(place, made_document())
    gauges.refresh()
    later = MADE_AT + timedelta(hours=24)
    write_document(place, made_document(made_at=later))
    gauges.refresh()
    assert sample(registry, "silencio_drift_last_run_timestamp_seconds", site="north") == later.timestamp()


def test_trouble__keeps_the_last_values_and_is_counted(place: str) -> None:
    registry = CollectorRegistry()
    gauges = DriftGauges(place, registry)
    write_document(place, made_document())
    gauges.refresh()
    write_bytes(document_uri(place, DAY + timedelta(days=1)), b"half")
    for n_errors in (1, 2):
        trouble = gauges.refresh()
        assert trouble is not None and "is no drift.json" in trouble
        assert sample(registry, "silencio_drift_exporter_errors_total") == n_errors
    assert sample(registry, "silencio_drift_last_run_timestamp_seconds", site="north") == MADE_AT.timestamp()


def test_server__answers_and_reports_a_trouble_once(tmp_path: Path) -> None:
    write_bytes(document_uri(str(tmp_path), DAY), b"half")
    stopped = threading.Event()
    running = serve_gauges(str(tmp_path), "127.0.0.1", 0, 0.001, stopped)
    address = next(running)
    assert "is no drift.json" in next(running)
    text = urllib.request.urlopen(address).read().decode()
    assert "silencio_drift_exporter_errors_total 1.0" in text
    write_document(str(tmp_path), made_document())
    stopped.set()
    assert list(running) == []
