"""Torch data sets over shards: augmented crops to train on, the front end's windows to judge on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from silencio.audio import cut_window, n_windows
from silencio.data.augment import AugmentConfig, augment_waveform, mask_log_mel, random_crop
from silencio.data.shards import ShardSet, targets
from silencio.features import FrontEnd
from silencio.taxonomy import ClassList

Example = tuple[torch.Tensor, torch.Tensor]


class TrainingCrops(Dataset[Example]):
    """Random, augmented windows of the training recordings.

    Which crop an index gives depends on seed, epoch and index alone, so a run repeats exactly and a worker more or
    less changes nothing.

    Args:
        shards: The training part.
        classes: The order of the targets.
        input_name: `log_mel` or `waveform`: what the head hears.
        augment: How strongly windows are varied.
        crops_per_recording: Length of an epoch in units of the number of recordings.
        class_power: A recording is drawn with probability (its species' count) ** -class_power.
        seed: Of the whole sequence.
    """

    def __init__(
        self,
        shards: ShardSet,
        classes: ClassList,
        input_name: str,
        augment: AugmentConfig,
        crops_per_recording: float,
        class_power: float,
        seed: int,
    ) -> None:
        self._shards = shards
        self._front_end = FrontEnd(shards.spec)
        self._input_name = input_name
        self._augment = augment
        self._targets = targets(shards.table, classes.index)
        self._seed = seed
        self._length = max(1, round(len(shards) * crops_per_recording))
        self._probabilities = draw_probabilities(shards.table["primary_label"].to_numpy(), class_power)
        self.epoch = 0

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Example:
        if index >= self._length:
            raise IndexError(index)
        rng = np.random.default_rng((self._seed, self.epoch, index))
        first, second = (int(i) for i in rng.choice(len(self._shards), size=2, p=self._probabilities))
        target = self._targets[first]
        crop = self._crop(first, rng)
        other, share = None, 0.0
        if rng.random() < self._augment.mixup_probability:
            share = float(rng.beta(self._augment.mixup_alpha, self._augment.mixup_alpha))
            other = self._crop(second, rng)
            target = (1.0 - share) * target + share * self._targets[second]
        waveform = augment_waveform(crop, other, share, self._augment, rng)
        if self._input_name == "waveform":
            return torch.from_numpy(waveform), torch.from_numpy(target.astype(np.float32))
        log_mel = mask_log_mel(self._front_end.log_mel(waveform[None])[0], self._augment, rng)
        return torch.from_numpy(log_mel), torch.from_numpy(target.astype(np.float32))

    def _crop(self, index: int, rng: np.random.Generator) -> NDArray[np.int16]:
        return random_crop(self._shards.waveform(index), self._shards.spec.window_samples, rng)


def draw_probabilities(labels: NDArray[np.object_], class_power: float) -> NDArray[np.float64]:
    """Probability with which each recording is drawn: 0 keeps the long tail, 1 makes all species equally frequent."""
    _, inverse, counts = np.unique(labels.astype(str), return_inverse=True, return_counts=True)
    weights = counts.astype(np.float64) ** -class_power
    probabilities = weights[inverse]
    return np.asarray(probabilities / probabilities.sum(), dtype=np.float64)


class RecordingWindows(Dataset[torch.Tensor]):
    """Every window of every recording, exactly as the service would hear it.

    Args:
        shards: The part that is judged.
        input_name: `log_mel` or `waveform`.

    Attributes:
        recording: For each window, the position of its recording in `shards`.
    """

    def __init__(self, shards: ShardSet, input_name: str) -> None:
        self._shards = shards
        self._front_end = FrontEnd(shards.spec)
        self._input_name = input_name
        spec = shards.spec
        windows = [n_windows(len(waveform), spec.window_samples, spec.hop_samples) for waveform in shards]
        self.recording = np.repeat(np.arange(len(shards)), windows)
        self._number = np.concatenate([np.arange(n) for n in windows]) if windows else np.empty(0, int)

    def __len__(self) -> int:
        return len(self.recording)

    def __getitem__(self, index: int) -> torch.Tensor:
        waveform, spec = self._shards.waveform(int(self.recording[index])), self._shards.spec
        window = cut_window(waveform, int(self._number[index]), spec.window_samples, spec.hop_samples, spec.padding)
        if self._input_name == "waveform":
            return torch.from_numpy(np.array(window))  # mapped from disk, and so not writable
        return torch.from_numpy(self._front_end.log_mel(window[None])[0])
