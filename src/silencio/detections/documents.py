"""The answer, in one shape for every way of asking."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from silencio.taxonomy import ClassList

TopK = int | Literal["all"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SpeciesEntry(_Entry):
    """One species in one window."""

    code: str
    scientific_name: str
    common_name: str
    class_name: str
    probability: float


class WindowEntry(_Entry):
    """One window, its species from most to least probable."""

    start_s: float
    end_s: float
    species: list[SpeciesEntry]


class RecordingDocument(_Entry):
    """One recording."""

    windows: list[WindowEntry]


def recording_document(
    starts_s: list[float], probabilities: NDArray[np.float32], window_s: float, classes: ClassList, top_k: TopK
) -> RecordingDocument:
    """Name what the numbers say.

    Args:
        starts_s: The second at which each window begins.
        probabilities: float32, shape (n_windows, n_classes).
        window_s: Length of a window.
        classes: What the columns mean.
        top_k: How many species a window lists.
    """
    n_listed = len(classes) if top_k == "all" else min(top_k, len(classes))
    # Stable, so that equal probabilities come in the order of the class list on every machine.
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :n_listed]
    return RecordingDocument(
        windows=[
            WindowEntry(
                start_s=start_s,
                end_s=start_s + window_s,
                species=[SpeciesEntry(**classes[i].model_dump(), probability=float(row[i])) for i in map(int, ranked)],
            )
            for start_s, row, ranked in zip(starts_s, probabilities, order, strict=True)
        ]
    )
