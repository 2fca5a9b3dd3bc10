"""What is kept of every prediction: figures for Prometheus, rows for the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from serving.metrics import Metrics
from serving.prediction_log import PredictionLog, RecordingFacts, window_records
from serving.server.protocol import KEY_NAME_HEADER
from serving.transformer.preprocessing import HeardRequest
from serving.transformer.request import Known
from silencio.bundle.manifest import BundleManifest
from silencio.decoding import RecordingFeatures
from silencio.detections import RecordingDocument
from silencio.taxonomy import ClassList


class Records:
    """Keeps; never in the way of an answer.

    Args:
        log: Where rows go; None keeps none.
    """

    def __init__(self, log: PredictionLog | None) -> None:
        self._log = log
        self._manifest: BundleManifest
        self._metrics: Metrics

    def begin(self, manifest: BundleManifest, metrics: Metrics) -> None:
        """From now on predictions are of this bundle."""
        self._manifest, self._metrics = manifest, metrics

    def keep(
        self,
        heard: HeardRequest,
        probabilities: Sequence[NDArray[np.float32]],
        documents: Sequence[RecordingDocument],
        headers: Mapping[str, str],
    ) -> None:
        """Count and log one request.

        Args:
            heard: The request.
            probabilities: By recording, float32 (n_windows, n_classes).
            documents: By recording, what was answered.
            headers: Of the request.
        """
        for stage, seconds in heard.stage_s.items():
            self._metrics.stage(stage, seconds)
        for i, (recording, known) in enumerate(zip(heard.recordings, heard.known, strict=True)):
            named = _named(documents[i], self._manifest.classes)
            self._metrics.windows(probabilities[i], named, recording.statistics)
            if self._log is not None:
                facts = self._facts(heard, i, recording, known, headers)
                self._log.put(
                    window_records(
                        facts,
                        recording.starts_s,
                        self._manifest.spec.window_s,
                        self._manifest.classes.codes,
                        probabilities[i],
                        named,
                        recording.statistics,
                    )
                )

    def _facts(
        self, heard: HeardRequest, i: int, recording: RecordingFeatures, known: Known, headers: Mapping[str, str]
    ) -> RecordingFacts:
        manifest, source = self._manifest, recording.source
        offered_id = headers.get("x-request-id")
        return RecordingFacts(
            request_id=heard.request_id,
            received_at=heard.received_at,
            bundle_name=manifest.name,
            bundle_version=manifest.version,
            spec_sha256=manifest.spec_sha256,
            manifest_sha256=manifest.manifest_sha256,
            recording=i,
            session_id=known.session_id,
            client_request_id=None if offered_id == heard.request_id else offered_id,
            key_name=headers.get(KEY_NAME_HEADER),
            recorded_at=_with_zone(known.recorded_at),
            latitude=known.latitude,
            longitude=known.longitude,
            n_samples=source.n_samples if source else None,
            sample_rate_hz=source.sample_rate_hz if source else None,
            source_format=source.container if source else None,
            notes=tuple(note.kind for note in recording.notes),
            **{f"{stage}_s": seconds for stage, seconds in heard.stage_s.items()},
        )


def _named(document: RecordingDocument, classes: ClassList) -> NDArray[np.bool_]:
    """Which species the answer named: bool (n_windows, n_classes); a window lists all that pass."""
    named = np.zeros((len(document.windows), len(classes)), np.bool_)
    for i, window in enumerate(document.windows):
        for one in window.species:
            if one.passes_threshold:
                named[i, classes.index[one.code]] = True
    return named


def _with_zone(moment: datetime | None) -> datetime | None:
    """Recorders that say no zone keep UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
