"""What a teacher says of recordings: targets for a student that learns from it, or for recordings without labels."""

from __future__ import annotations

from collections.abc import Mapping
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
        targets: By recording (not necessarily all), float32 (n_grid, n_classes), in the order of `grid_starts`;
            (1, n_classes) holds everywhere in the recording. A window of which nothing is to be learned has zeros.
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
        said = self._said(recording_id)
        if len(said) == 1:
            return np.asarray(said[0])
        starts = np.array(self._grid(recording_id, n_samples, spec))
        return np.asarray(said[int(np.abs(starts - start).argmin())])

    def left_out(self, recording_id: str, n_samples: int, spec: FeatureSpec) -> set[int]:
        """Numbers of the grid's windows that are not to be learned from; never all of them.

        Args:
            recording_id: Of the recording; of one that the teacher was not asked about nothing is left out.
            n_samples: Its length.
            spec: How windows are cut.

        Raises:
            DataError: The teacher was asked about another cut of it.
        """
        said = self.targets.get(recording_id)
        if said is None or len(said) == 1:
            return set()
        self._grid(recording_id, n_samples, spec)
        return {int(number) for number in np.flatnonzero(~said.any(axis=1))}

    def softened(self, temperature: float) -> SoftLabels:
        """Targets in which second guesses count more (temperature above 1) or less (below 1); rows keep their sum.

        Of a softmax's probabilities this is the temperature of Hinton et al., "Distilling the Knowledge in a Neural
        Network" (2015); no target exceeds 1.
        """
        return SoftLabels({name: _softened(said, 1.0 / temperature) for name, said in self.targets.items()})

    def as_pseudo_labels(self, power: float, min_probability: float) -> SoftLabels:
        """Targets for recordings without labels: probabilities to a power, and nothing where the teacher is unsure.

        Args:
            power: Above 1, doubt counts for less. Rows do not keep their sum: a doubtful window stays a weak example.
            min_probability: A window whose most probable species is less probable than this is left out; a recording
                all of whose windows are is left out whole.
        """
        sure = {name: said.max(axis=1, keepdims=True) >= min_probability for name, said in self.targets.items()}
        return SoftLabels(
            {
                name: np.asarray(np.where(sure[name], said**power, 0.0), np.float32)
                for name, said in self.targets.items()
                if sure[name].any()
            }
        )

    def mixed(self, labels: Mapping[str, NDArray[np.floating]], share: float) -> SoftLabels:
        """Targets of which `share` is what the recordings' own labels say.

        Args:
            labels: By recording, multi-label (n_classes,); recordings without keep the teacher's word.
            share: 0 is the teacher alone, 1 the labels alone.
        """
        return SoftLabels(
            {
                name: np.asarray((1.0 - share) * said + share * labels[name], np.float32) if name in labels else said
                for name, said in self.targets.items()
            }
        )

    def most_probable(self) -> dict[str, int]:
        """By recording, the class that its windows name most."""
        return {name: int(said.sum(axis=0).argmax()) for name, said in self.targets.items()}

    def save(self, path: Path) -> None:
        """Keep as npz, under exactly this name."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez_compressed(file, **self.targets)  # type: ignore[arg-type]  # the stub takes any name for an option

    @classmethod
    def load(cls, path: Path) -> SoftLabels:
        """The inverse of `save`."""
        with np.load(path) as arrays:
            return cls({name: arrays[name] for name in arrays.files})

    def _said(self, recording_id: str) -> NDArray[np.float32]:
        if recording_id not in self.targets:
            raise DataError(f"the teacher said nothing of {recording_id}: label again")
        return self.targets[recording_id]

    def _grid(self, recording_id: str, n_samples: int, spec: FeatureSpec) -> list[int]:
        starts, said = grid_starts(n_samples, spec), self.targets[recording_id]
        if len(starts) != len(said):
            raise DataError(f"the teacher heard {len(said)} windows of {recording_id}, here are {len(starts)}")
        return starts


def _softened(said: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    raised = said.astype(np.float64) ** power
    scale = said.sum(axis=1, keepdims=True) / np.maximum(raised.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray(np.minimum(raised * scale, 1.0), np.float32)
