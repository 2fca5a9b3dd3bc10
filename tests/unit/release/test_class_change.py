"""Class lists that differ, and who would notice by the prediction log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from silencio.prediction_log.rows import RecordingFacts, as_table, window_records
from silencio.release.class_change import LogUsage, class_change, log_usage, status_of
from tests.unit.release.made_answers import SPEC, manifest

CHAMPION = manifest(("a", "b", "gone"), version="1", thresholds={"a": 0.3})
CHALLENGER = manifest(("new", "b", "a"), version="2", thresholds={"a": 0.4})
FACTS = RecordingFacts(
    request_id="r1",
    prediction_id="r1-0",
    received_at=datetime(2026, 11, 1, tzinfo=UTC),
    bundle_name="silencio",
    bundle_version="1",
    spec_sha256="s",
    recording_sha256="bytes",
    n_samples=160_000,
)
LEVELS = {name: np.zeros(2) for name in ("rms_db", "peak_db", "clipped_share", "silence_share", "snr_db")}


def _rows(codes: str = "a", *, levels: dict[str, Any] = LEVELS, **changed: Any) -> list[Any]:
    """Two windows of a recording in which `codes` are named."""
    detected = np.array([[one in codes for one in ("a", "b", "gone")]] * 2)
    detected[1] = False
    if "gone" in codes.split():
        detected[0, 2] = True
    facts = replace(FACTS, **changed)
    return window_records(
        facts, [0.0, 5.0], 5.0, ("a", "b", "gone"), np.full((2, 3), 0.5, np.float32), detected, ~detected, levels
    )


def test_change__lists_what_is_new_and_what_is_gone() -> None:
    change = class_change(CHAMPION, CHALLENGER)
    assert (change.new, change.gone) == (("new",), ("gone",))
    assert change.thresholds == {"a": (0.3, 0.4), "b": (0.5, 0.5)}
    assert (change.spec_gone, change.log_mel_requests, change.gone_detections) == (False, 0, {})
    assert [status_of(code, CHAMPION, CHALLENGER) for code in ("a", "gone", "new")] == ["both", "gone", "new"]


def test_change__of_a_bundle_and_itself_is_none() -> None:
    change = class_change(CHAMPION, CHAMPION)
    assert (change.new, change.gone, change.spec_gone) == ((), (), False)


def test_change__counts_detections_of_gone_classes_alone() -> None:
    usage = LogUsage(detections={"a": 9, "gone": 3}, log_mel_requests=2)
    change = class_change(CHAMPION, CHALLENGER, usage)
    assert change.gone_detections == {"gone": 3}
    assert change.log_mel_requests == 2


def test_change__another_specification_is_said() -> None:
    other = manifest(("a",), spec=SPEC.model_copy(update={"n_mels": 32}))
    assert class_change(CHAMPION, other).spec_gone


def test_usage__counts_recordings_and_not_windows() -> None:
    twice = _rows("a gone") + _rows("gone", request_id="r2", prediction_id="r2-0")
    assert log_usage(as_table(twice)).detections == {"a": 1, "gone": 2}


def test_usage__shadow_traffic_and_failures_were_answered_to_nobody() -> None:
    rows = _rows("a", shadow=True) + _rows("b", status="decode") + _rows("b", shadow=False, request_id="r3")
    assert log_usage(as_table(rows)).detections == {"b": 1}


def test_usage__requests_of_features_are_those_of_which_no_sound_is_known() -> None:
    features = {"recording_sha256": None, "n_samples": None, "levels": {}}
    rows = _rows("a") + _rows("a", request_id="f1", **features) + _rows("b", request_id="f2", **features)
    assert log_usage(as_table(rows)).log_mel_requests == 2


def test_usage__a_log_from_before_recordings_were_named_is_not_taken_for_features() -> None:
    old = _rows("a", request_id="old", recording_sha256=None, n_samples=None)
    assert log_usage(as_table(old)).log_mel_requests == 0
