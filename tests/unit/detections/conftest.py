"""A few species, and a document that stands for an answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from silencio.detections import RecordingDocument, recording_document
from silencio.taxonomy import ClassList, Species


@pytest.fixture(scope="session")
def classes() -> ClassList:
    return ClassList.of(
        Species(code=code, scientific_name=scientific_name, common_name=common_name, class_name=class_name)
        for code, scientific_name, common_name, class_name in (
            ("22973", "Lithobates catesbeianus", "American Bullfrog", "Amphibia"),
            ("comswi", "Apus apus", "Common Swift", "Aves"),
            ("eurbla", "Turdus merula", "Eurasian Blackbird", "Aves"),
            ("grekis", "Pitangus sulphuratus", "Great Kiskadee", "Aves"),
        )
    )


@pytest.fixture(scope="session")
def answer(classes: ClassList) -> Callable[..., RecordingDocument]:
    """Thresholds of 0.5; a row a window of 5 s, the last of which ends with the recording."""

    def make(rows: list[list[float]], duration_s: float | None = None, top_k: object = "all") -> RecordingDocument:
        starts_s = [5.0 * i for i in range(len(rows))]
        if duration_s is not None and len(rows) > 1:
            starts_s[-1] = duration_s - 5.0
        return recording_document(
            starts_s,
            np.array(rows, np.float32),
            window_s=5.0,
            hop_s=5.0,
            classes=classes,
            thresholds=dict.fromkeys(classes.codes, 0.5),
            top_k=top_k,  # type: ignore[arg-type]  # a parameter
            duration_s=duration_s,
        )

    return make
