"""Answers and manifests of bundles that nobody trained, for tests of what follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from silencio.bundle.manifest import BundleManifest, GraphInput, HeadEntry
from silencio.features import FeatureSpec
from silencio.release.answers import BundleAnswers, RecordingAnswer
from silencio.taxonomy import ClassList, Species

SPEC = FeatureSpec(sample_rate_hz=16_000, window_s=5.0, hop_s=5.0, n_fft=512, hop_length=256, n_mels=16, f_max_hz=8e3)


def answer(
    probabilities: Sequence[Sequence[float]],
    *,
    starts_s: Sequence[float] | None = None,
    window_s: float = 5.0,
    duration_s: float | None = None,
    threshold: float = 0.5,
) -> RecordingAnswer:
    """One row a window; windows follow each other unless their starts are given."""
    values = np.array(probabilities, np.float32)
    starts = np.arange(len(values)) * window_s if starts_s is None else np.array(starts_s, float)
    return RecordingAnswer(
        starts_s=np.asarray(starts, np.float64),
        window_s=window_s,
        probabilities=values,
        detected=values >= threshold,
        duration_s=duration_s,
    )


def answers(codes: Sequence[str], **recordings: Sequence[Sequence[float]] | RecordingAnswer) -> BundleAnswers:
    """Of a bundle with these classes, by the name of the recording."""
    return BundleAnswers(
        codes=tuple(codes),
        recordings={name: one if isinstance(one, RecordingAnswer) else answer(one) for name, one in recordings.items()},
    )


def manifest(
    codes: Sequence[str],
    *,
    version: str = "1",
    thresholds: Mapping[str, float] | None = None,
    spec: FeatureSpec = SPEC,
    **changed: Any,
) -> BundleManifest:
    """Of a bundle with these classes, in this order."""
    classes = ClassList(
        species=tuple(Species(code=c, scientific_name=c, common_name=f"the {c}", class_name="Aves") for c in codes)
    )
    return BundleManifest(
        version=version,
        created_by="a test",
        spec=spec,
        spec_sha256=spec.sha256,
        inputs=(GraphInput(name="log_mel", dtype="float32", shape=spec.log_mel_shape),),
        classes=classes,
        classes_sha256=classes.sha256,
        heads=(HeadEntry(name="h", kind="h", input_name="log_mel", weight=1.0, n_parameters=1, config={}),),
        supervisor={},
        thresholds=dict.fromkeys(codes, 0.5) | dict(thresholds or {}),
        metrics={},
        parents={},
        licences={},
        files={},
        **changed,
    )
