"""A teacher's predictions of recordings: targets for a student that learns from it, or recordings without labels."""

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
        targets: Targets by recording (not necessarily all), float32 (n_grid, n_classes), in the order of `grid_starts`;
            (1, n_classes) holds everywhere in the recording. A window that is not learned from has zeros.
    """

    targets: dict[str, NDArray[np.float32]]

    def at(self, recording_id: str, start: int, n_samples: int, spec: FeatureSpec) -> NDArray[np.float32]:
        """The target of the window that begins at sample `start`: that of the nearest window of the grid.

        Args:
            recording_id: Name of the recording.
            start: Start of the window.
            n_samples: Length of the recording.
            spec: How windows are cut.

        Raises:
            DataError: The teacher has no predictions of that recording, or of another cut of it.
        """
        target = self._target(recording_id)
        if len(target) == 1:
            return np.asarray(target[0])
        starts = np.array(self._grid(recording_id, n_samples, spec))
        return np.asarray(target[int(np.abs(starts - start).argmin())])

    def left_out(self, recording_id: str, n_samples: int, spec: FeatureSpec) -> set[int]:
        """Numbers of the grid's windows that are not to be learned from; never all of them.

        Args:
            recording_id: Name of the recording; of one without targets nothing is left out.
            n_samples: Number of samples of the recording.
            spec: How windows are cut.

        Raises:
            DataError: The teacher's predictions are of another cut of it.
        """
        target = self.targets.get(recording_id)
        if target is None or len(target) == 1:
            return set()
        self._grid(recording_id, n_samples, spec)
        return {int(number) for number in np.flatnonzero(~target.any(axis=1))}

    def softened(self, temperature: float) -> SoftLabels:
        """Targets in which second guesses count more (temperature above 1) or less (below 1); rows keep their sum.

        Of a softmax's probabilities this is the temperature of Hinton et al., "Distilling the Knowledge in a Neural
        Network" (2015); no target exceeds 1.
        """
        return SoftLabels({name: _softened(target, 1.0 / temperature) for name, target in self.targets.items()})

    def as_pseudo_labels(self, power: float, min_probability: float) -> SoftLabels:
        """Targets for recordings without labels: probabilities to a power, and nothing where the teacher is unsure.

        Args:
            power: Above 1, doubt counts for less. Rows do not keep their sum: a doubtful window stays a weak example.
            min_probability: A window whose most probable species is less probable than this is left out; a recording
                all of whose windows are is left out whole.
        """
        sure = {name: target.max(axis=1, keepdims=True) >= min_probability for name, target in self.targets.items()}
        return SoftLabels(
            {
                name: np.asarray(np.where(sure[name], target**power, 0.0), np.float32)
                for name, target in self.targets.items()
                if sure[name].any()
            }
        )

    def mixed(self, labels: Mapping[str, NDArray[np.floating]], share: float) -> SoftLabels:
        """Targets of which `share` are the recordings' own labels.

        Args:
            labels: Labels by recording, multi-label (n_classes,); recordings without keep the teacher's word.
            share: 0 is the teacher alone, 1 the labels alone.
        """
        return SoftLabels(
            {
                name: np.asarray((1.0 - share) * one + share * labels[name], np.float32) if name in labels else one
                for name, one in self.targets.items()
            }
        )

    def most_probable(self) -> dict[str, int]:
        """By recording, the class that its windows name most."""
        return {name: int(target.sum(axis=0).argmax()) for name, target in self.targets.items()}

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

    def _target(self, recording_id: str) -> NDArray[np.float32]:
        if recording_id not in self.targets:
            raise DataError(f"the teacher has no predictions of {recording_id}: label again")
        return self.targets[recording_id]

    def _grid(self, recording_id: str, n_samples: int, spec: FeatureSpec) -> list[int]:
        starts, target = grid_starts(n_samples, spec), self.targets[recording_id]
        if len(starts) != len(target):
            raise DataError(f"the teacher was given {len(target)} windows of {recording_id}, here are {len(starts)}")
        return starts


def _softened(target: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    raised = target.astype(np.float64) ** power
    scale = target.sum(axis=1, keepdims=True) / np.maximum(raised.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray(np.minimum(raised * scale, 1.0), np.float32)
