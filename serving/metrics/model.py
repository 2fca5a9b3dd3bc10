"""Metrics of the bundle, of requests' stages and of the sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter, Gauge, Histogram

from serving.metrics.process import set_served_version
from silencio.bundle.manifest import BundleManifest

# As `silencio.errors.DecodeError` lists them; whatever else comes is "other".
DECODE_FAILURES = (
    "empty",
    "not_audio",
    "truncated",
    "no_samples",
    "not_finite",
    "unreadable",
    "too_short",
    "too_long",
    "crash",
    "timeout",
    "memory",
    "other",
)

# Of a request at the transformer; of a run of the graph at the predictor.
REQUEST_STAGES = ("decode", "features", "predictor", "names")
RUN_STAGES = ("queue", "graph")

_STAGE_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_SHARE_BUCKETS = (0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
_PROBABILITY_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)

_INFO = Gauge(
    "silencio_bundle_info",
    "1; its labels say what is served.",
    ["name", "version", "spec_sha256", "provider", "precision"],
)
_STAGE_SECONDS = Histogram(
    "silencio_stage_seconds", "Time of a request's stage.", ["version", "stage"], buckets=_STAGE_BUCKETS_S
)
_WINDOWS = Counter("silencio_windows", "Windows that were scored.", ["version"])
_QUEUE = Gauge("silencio_queue_windows", "Windows that wait for the graph.", ["version"])
_BATCH = Histogram(
    "silencio_batch_windows", "Windows in one run of the graph.", ["version"], buckets=(1, 2, 4, 8, 16, 32, 64, 128)
)
_DETECTIONS = Counter("silencio_detections", "Windows in which the species was named.", ["version", "code"])
_TOP = Histogram(
    "silencio_top_probability",
    "Probability of a window's most probable species.",
    ["version"],
    buckets=_PROBABILITY_BUCKETS,
)
_DECODE_FAILURES = Counter(
    "silencio_decode_failures", "Recordings that could not be decoded, by kind.", ["version", "kind"]
)
# Prometheus has no sum of what may be negative: the mean level is that of the distance to full scale, with a minus.
_BELOW_FULL_SCALE = Counter(
    "silencio_audio_below_full_scale_decibels",
    "Decibels by which the level (RMS) of windows lies below full scale, summed.",
    ["version"],
)
_FEATURE_BYTES = Gauge("silencio_feature_bytes", "Bytes of decoded sound that are held or promised.", ["version"])
_FEATURE_BYTES_LIMIT = Gauge("silencio_feature_bytes_limit", "Most of them.", ["version"])
_FEATURE_WAITING = Gauge("silencio_feature_waiting_requests", "Requests that wait for room among them.", ["version"])
# By names of `silencio.audio.WINDOW_STATISTICS`; decibels and shares have no base unit but themselves.
_AUDIO = {
    "rms_db": Histogram(
        "silencio_audio_level_dbfs",
        "Level (RMS) of a window in decibels of full scale.",
        ["version"],
        buckets=(-90, -80, -70, -60, -50, -40, -30, -20, -10, -6, -3, 0),
    ),
    "clipped_share": Histogram(
        "silencio_audio_clipped_ratio",
        "Share of a window's samples at full scale.",
        ["version"],
        buckets=_SHARE_BUCKETS,
    ),
    "silence_share": Histogram(
        "silencio_audio_silence_ratio",
        "Share of a window's 20 ms frames below -60 dBFS.",
        ["version"],
        buckets=_SHARE_BUCKETS,
    ),
    "snr_db": Histogram(
        "silencio_audio_snr_decibels",
        "Estimated signal-to-noise ratio of a window: its loudest over its quietest tenth.",
        ["version"],
        buckets=(0, 3, 6, 10, 15, 20, 25, 30, 40, 50, 60),
    ),
}


class Metrics:
    """The metrics of one bundle. Make it once a process, when the bundle was adopted.

    Every method takes microseconds and may be called from any thread.

    Args:
        manifest: The bundle's manifest.
        stages: `REQUEST_STAGES` or `RUN_STAGES`.
        provider: ONNX Runtime's active provider; empty where no graph runs.
        precision: Precision of the graph as it runs, where it is not the manifest's.
    """

    def __init__(
        self, manifest: BundleManifest, stages: Sequence[str], *, provider: str = "", precision: str = ""
    ) -> None:
        version = manifest.version
        set_served_version(version)
        _INFO.labels(manifest.name, version, manifest.spec_sha256, provider, precision or manifest.precision).set(1)
        self._version = version
        self._windows = _WINDOWS.labels(version)
        self._queue = _QUEUE.labels(version)
        self._batch = _BATCH.labels(version)
        self._top = _TOP.labels(version)
        self._below_full_scale = _BELOW_FULL_SCALE.labels(version)
        self._audio = {name: family.labels(version) for name, family in _AUDIO.items()}
        # All of them now, so that a rate begins at 0 and not at the first detection.
        self._detections = [_DETECTIONS.labels(version, code) for code in manifest.classes.codes]
        self._decode_failures = {kind: _DECODE_FAILURES.labels(version, kind) for kind in DECODE_FAILURES}
        self._stages = {stage: _STAGE_SECONDS.labels(version, stage) for stage in stages}

    def stage(self, stage: str, seconds: float) -> None:
        """Observe a stage that ended, one of `stages`."""
        self._stages[stage].observe(seconds)

    def windows(
        self,
        probabilities: NDArray[np.float32],
        detected: NDArray[np.bool_],
        statistics: Mapping[str, NDArray[np.float64]],
    ) -> None:
        """Count windows that were answered.

        Args:
            probabilities: Shape (n_windows, n_classes).
            detected: Shape (n_windows, n_classes): which species the answer lists as detected.
            statistics: Values by name as `silencio.features.WindowStatistics` gives them, those that are known.
        """
        self._windows.inc(len(probabilities))
        for top in probabilities.max(axis=1).tolist():
            self._top.observe(top)
        for i in np.flatnonzero(detected.any(axis=0)).tolist():
            self._detections[i].inc(int(detected[:, i].sum()))
        for level_db in statistics.get("rms_db", ()):
            self._below_full_scale.inc(max(0.0, -float(level_db)))
        for name, histogram in self._audio.items():
            for value in statistics[name].tolist() if name in statistics else ():
                histogram.observe(value)

    def decode_failed(self, kind: str) -> None:
        """Count a recording that could not be decoded; `kind` is one of `DECODE_FAILURES`."""
        self._decode_failures.get(kind, self._decode_failures["other"]).inc()

    def queue_length_from(self, n_waiting: Callable[[], int]) -> None:
        """Call this function, at every scrape, for the windows that wait for the graph."""
        self._queue.set_function(n_waiting)

    def feature_memory_from(self, max_bytes: int, n_bytes: Callable[[], int], n_waiting: Callable[[], int]) -> None:
        """Call these functions, at every scrape, for the decoded sound that is held and the requests that wait.

        Args:
            max_bytes: The limit on them.
            n_bytes: Gives the bytes that are held.
            n_waiting: Gives the requests that wait.
        """
        _FEATURE_BYTES_LIMIT.labels(self._version).set(max_bytes)
        _FEATURE_BYTES.labels(self._version).set_function(n_bytes)
        _FEATURE_WAITING.labels(self._version).set_function(n_waiting)

    def batch(self, n_windows: int, waited_s: float, ran_s: float) -> None:
        """Observe one run of the graph: its windows, how long the oldest of them had waited, how long it ran."""
        self._batch.observe(n_windows)
        self.stage("queue", waited_s)
        self.stage("graph", ran_s)
