"""What a teacher says of recordings: targets for a student that learns from it, or for recordings without labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from silencio.data.embeddings import grid_starts
from silencio.errors import DataError
from silencio.features import FeatureSpec


@dataclass(frozen=True)
class SoftLabels:
    """A target for every window of every recording's grid.

    Attributes:
        targets: By recording (not necessarily all), float32 (n_grid, n_classes), in the order of `grid_starts`; (1, n_classes) holds
            everywhere in the recording.
    """

    targets: dict[str, NDArray[np.float32]]

    def at(self, recording_id: str, start: int, n_samples: int, spec: FeatureSpec) -> NDArray[np.float32]:
        """The target of the window that begins at sample `start`: that of the nearest window of the grid.

        Args:
            recording_id: Of the recording.
            start: Of the window.
            n_samples: Length of the recording.
            spec: How windows are cut.

        Raises:
            DataError: The teacher was not asked about that recording, or about another cut of it.
        """
        if recording_id not in self.targets:
            raise DataError(f"the teacher said nothing of {recording_id}: label again")
        said = self.targets[recording_id]
        if len(said) == 1:
            return np.asarray(said[0])
        starts = np.array(grid_starts(n_samples, spec))
        if len(starts) != len(said):
            raise DataError(f"the teacher heard {len(said)} windows of {recording_id}, here are {len(starts)}")
        return np.asarray(said[int(np.abs(starts - start).argmin())])

    def save(self, path: Path) -> None:
        """Keep as npz."""
        np.savez_compressed(path, **self.targets)  # type: ignore[arg-type]  # the stub takes any name for an option

    @classmethod
    def load(cls, path: Path) -> SoftLabels:
        """The inverse of `save`."""
        with np.load(path) as arrays:
            return cls({name: arrays[name] for name in arrays.files})
