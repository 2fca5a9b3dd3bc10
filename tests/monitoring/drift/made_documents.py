"""Documents that tests make."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from silencio.drift.document import CauseFound, DriftDocument, ImportanceChange, SignalChange, SiteVerdict

DAY = date(2026, 5, 8)
MADE_AT = datetime(2026, 5, 9, 5, 0, tzinfo=UTC)


def change(**changes: Any) -> SignalChange:
    """The noise floor of one device, 6 dB up."""
    fields: dict[str, Any] = {
        "signal": "floor_db",
        "device_id": "am-1",
        "day_part": "all",
        "n_recordings": 96,
        "n_reference": 960,
        "reference": -62.0,
        "current": -56.0,
        "effect": 6.0,
        "unit": "db",
        "threshold": 3.0,
        "p": 0.001,
        "q": 0.01,
        "alarm": True,
    }
    return SignalChange(**fields | changes)


def cause(**changes: Any) -> CauseFound:
    """A microphone since three days."""
    fields: dict[str, Any] = {
        "cause": "microphone_or_site",
        "certainty": "likely",
        "since": date(2026, 5, 6),
        "n_days_of_four": 3,
        "alert": True,
        "devices": ("am-1",),
        "evidence": ("The noise floor of am-1 rose by 6 dB at all times of day.", "2 of 2 peers did not move."),
        "action": "inspect_device",
    }
    return CauseFound(**fields | changes)


def importance(**changes: Any) -> ImportanceChange:
    """Predictions rest an octave and a half higher."""
    fields: dict[str, Any] = {
        "measure": "centroid_octaves",
        "value": 1.5,
        "threshold": 0.5,
        "beyond": True,
        "n_windows": 16,
        "message": "What predictions rest on has moved.",
    }
    return ImportanceChange(**fields | changes)


def site(site_id: str = "north", **changes: Any) -> SiteVerdict:
    """One whose microphone has changed."""
    fields: dict[str, Any] = {
        "site_id": site_id,
        "outcome": "changed",
        "message": "The recorder am-1 has changed, its peers have not.",
        "causes": (cause(),),
        "signals": (change(), change(device_id="am-2", current=-61.5, effect=0.5, q=0.7, alarm=False)),
        "n_recordings": 288,
        "n_devices": 3,
        "expected_precision": 0.78,
        "expected_precision_reference": 0.83,
        "review_precision": 0.7,
        "review_interval": (0.55, 0.82),
        "review_expected": 0.83,
        "n_reviews": 40,
        "detections_by_species": {"houspa": 40, "grekis": 12},
        "importance": importance(),
    }
    return SiteVerdict(**fields | changes)


def quiet_site(site_id: str = "south", **changes: Any) -> SiteVerdict:
    """One at which nothing changed."""
    return SiteVerdict(site_id=site_id, outcome="no_change", message="Nothing changed.", n_recordings=96, **changes)


def made_document(*sites: SiteVerdict, **changes: Any) -> DriftDocument:
    """A day of these sites; of two by default."""
    fields: dict[str, Any] = {
        "day": DAY,
        "made_at": MADE_AT,
        "bundle_name": "silencio",
        "bundle_version": "12",
        "policy_sha256": "0" * 64,
        "sites": sites or (site(), quiet_site()),
    }
    return DriftDocument(**fields | changes)


def month(n_days: int = 28) -> list[DriftDocument]:
    """The noise floor rises on the last three days."""
    return [
        made_document(
            site(signals=(change(current=-62.0 + (6.0 if ago < 3 else 0.1 * (ago % 3)), alarm=ago < 3),)),
            day=DAY - timedelta(days=ago),
        )
        for ago in reversed(range(n_days))
    ]
