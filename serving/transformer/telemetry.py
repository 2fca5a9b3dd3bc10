"""Records of every prediction: metrics for Prometheus, rows for the prediction log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from serving.metrics import Metrics
from serving.prediction_log import PredictionLog
from serving.server.accounting import RequestAccount, current_account
from serving.server.protocol import (
    ARM_HEADER,
    KEY_NAME_HEADER,
    MAX_SESSION_CHARACTERS,
    RELEASE_HEADER,
    SHADOW_HEADER,
    SIMULATED_HEADER,
)
from serving.server.recorder_ids import is_recorder_id
from serving.transformer.preprocessing import PreprocessedRequest
from serving.transformer.request import RecordingMetadata
from serving.transformer.timings import Timings
from silencio.bundle.manifest import BundleManifest
from silencio.decoding import RecordingFeatures
from silencio.detections import RecordingDocument
from silencio.prediction_log import RecordingFacts, WindowRecord, prediction_id, window_records
from silencio.taxonomy import ClassList


class PredictionRecorder:
    """Counts and logs predictions; never fails a request, and never delays one.

    Args:
        log: The prediction log; None writes none.
    """

    def __init__(self, log: PredictionLog | None) -> None:
        self._log = log
        self._manifest: BundleManifest | None = None
        self._metrics: Metrics

    def set_bundle(self, manifest: BundleManifest, metrics: Metrics) -> None:
        """Set the bundle to which later predictions are attributed."""
        self._manifest, self._metrics = manifest, metrics

    def record(
        self,
        request: PreprocessedRequest,
        probabilities: Sequence[NDArray[np.float32]],
        documents: Sequence[RecordingDocument],
        timings: Timings,
        headers: Mapping[str, str],
    ) -> None:
        """Count and log one request: a visitor's; a copy of one is logged alone, simulated users leave nothing.

        Args:
            request: The request with its features.
            probabilities: Probabilities by recording, float32 (n_windows, n_classes).
            documents: Documents by recording, as answered.
            timings: How long its stages took.
            headers: The request's headers.
        """
        manifest = self._manifest
        if SIMULATED_HEADER in headers or manifest is None:
            return
        is_counted = SHADOW_HEADER not in headers
        for stage, seconds in timings.by_stage().items():
            if is_counted:
                self._metrics.stage(stage, seconds)
        for i, (recording, metadata) in enumerate(zip(request.recordings, request.parsed.metadata, strict=True)):
            detected, dropped = _detected_and_dropped(documents[i], manifest.classes)
            if is_counted:
                self._metrics.windows(probabilities[i], detected, recording.statistics)
            if self._log is not None:
                current_account().is_logged = True
                facts = self._facts(manifest, request, i, recording, metadata, timings, headers)
                self._log.put(
                    window_records(
                        facts,
                        recording.starts_s,
                        manifest.spec.window_s,
                        manifest.classes.codes,
                        probabilities[i],
                        detected,
                        dropped,
                        recording.statistics,
                    )
                )

    def record_failed(self, account: RequestAccount, http_status: int) -> None:
        """Log one request that was answered by no prediction: who sent it and what it got, nothing of its sound.

        Before a bundle is there, nothing is logged: whose failure it was cannot be said.

        Args:
            account: What is known of the request.
            http_status: The answer's status, over gRPC the one that it would have over HTTP.
        """
        manifest, ids = self._manifest, account.ids
        if self._log is None or manifest is None or ids is None:
            return
        facts = RecordingFacts(
            request_id=ids.own,
            client_request_id=ids.offered or None,
            received_at=account.received_at,
            bundle_name=manifest.name,
            bundle_version=manifest.version,
            spec_sha256=manifest.spec_sha256,
            bundle_sha256=manifest.manifest_sha256,
            session_id=account.session_id[:MAX_SESSION_CHARACTERS] or None,
            site_id=account.recorder.site_id or None,
            device_id=account.recorder.device_id
            or _key_of_device(account.key_name, is_copy=account.marks.traffic == "shadow"),
            key_name=account.key_name or None,
            recording=None,
            status=str(http_status),
            arm=account.arm or None,
            release_id=account.release_id or None,
            shadow=account.marks.traffic == "shadow",
        )
        self._log.put([WindowRecord(facts=facts)])

    def _facts(
        self,
        manifest: BundleManifest,
        request: PreprocessedRequest,
        i: int,
        recording: RecordingFeatures,
        metadata: RecordingMetadata,
        timings: Timings,
        headers: Mapping[str, str],
    ) -> RecordingFacts:
        source = recording.source
        offered_id = headers.get("x-request-id")
        return RecordingFacts(
            request_id=request.request_id,
            prediction_id=prediction_id(request.request_id, i),
            received_at=request.received_at,
            bundle_name=manifest.name,
            bundle_version=manifest.version,
            spec_sha256=manifest.spec_sha256,
            bundle_sha256=manifest.manifest_sha256,
            recording=i,
            recording_sha256=source.sha256 if source else None,
            waveform_sha256=source.waveform_sha256 if source else None,
            session_id=metadata.session_id,
            client_request_id=None if offered_id == request.request_id else offered_id,
            site_id=metadata.site_id,
            device_id=metadata.device_id
            or _key_of_device(headers.get(KEY_NAME_HEADER), is_copy=SHADOW_HEADER in headers),
            key_name=headers.get(KEY_NAME_HEADER),
            recorded_at=_with_zone(metadata.recorded_at),
            latitude=metadata.latitude,
            longitude=metadata.longitude,
            n_samples=source.n_samples if source else None,
            sample_rate_hz=source.sample_rate_hz if source else None,
            source_format=source.container if source else None,
            arm=headers.get(ARM_HEADER),
            release_id=headers.get(RELEASE_HEADER),
            shadow=SHADOW_HEADER in headers,
            notes=tuple(note.kind for note in recording.notes),
            decode_s=timings.decode_s,
            features_s=timings.features_s,
            predictor_s=timings.predictor_s,
            names_s=timings.names_s,
        )


def _detected_and_dropped(
    document: RecordingDocument, classes: ClassList
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which species the answer names, and which place or season took out of it: each bool (n_windows, n_classes).

    A window lists all of both, whatever its `top_k`.
    """
    detected = np.zeros((len(document.windows), len(classes)), np.bool_)
    dropped = np.zeros_like(detected)
    for i, window in enumerate(document.windows):
        for one in window.species:
            if one.passes_threshold:
                detected[i, classes.index[one.code]] = True
            elif one.dropped_by != "threshold":
                dropped[i, classes.index[one.code]] = True
    return detected, dropped


def _key_of_device(key_name: str | None, *, is_copy: bool) -> str | None:
    """The recorder by its key, where nothing else names it; a copy comes with the key of who sends copies.

    A key may be called what no recorder may: pages and pictures are called by recorders' ids.
    """
    return key_name if key_name and not is_copy and is_recorder_id(key_name) else None


def _with_zone(moment: datetime | None) -> datetime | None:
    """With a zone; recorders that name none keep UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
