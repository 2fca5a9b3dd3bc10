"""Torch data sets over shards: augmented crops to train on, the front end's windows to evaluate on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from silencio.audio import cut_window
from silencio.data.augment import AugmentConfig, augment_waveform, mask_log_mel, random_crop
from silencio.data.backgrounds import BackgroundPool
from silencio.data.embeddings import grid_starts
from silencio.data.shards import ShardSet, targets
from silencio.data.soft_labels import SoftLabels
from silencio.data.window_choice import N_CANDIDATES, WindowChoice, loudest
from silencio.encoders import EMBEDDING
from silencio.errors import DataError
from silencio.features import FrontEnd
from silencio.taxonomy import ClassList

# By name, as heads take them: of one window, or of a batch.
Inputs = dict[str, torch.Tensor]
Example = tuple[Inputs, torch.Tensor]


class TrainingCrops(Dataset[Example]):
    """Random, augmented windows of the training recordings.

    Which crop an index gives depends on seed, epoch and index alone, so a run repeats exactly and a worker more or
    less changes nothing.

    Args:
        shards: The training split.
        classes: The order of the targets.
        input_names: The head's inputs.
        augment: How strongly windows are varied.
        crops_per_recording: Length of an epoch in units of the number of recordings.
        class_power: A recording is drawn with probability (its species' count) ** -class_power.
        seed: Seed of the whole sequence.
        soft: A teacher's predictions of recordings; they take the place of the labels of those that they cover.
        window_choice: `random`, or `loud`: of a few random windows the one with most sound.
        backgrounds: What `augment` mixes in: the train half; None: made noise.

    Raises:
        DataError: The backgrounds are those of the test half.
    """

    def __init__(
        self,
        shards: ShardSet,
        classes: ClassList,
        input_names: Sequence[str],
        augment: AugmentConfig,
        crops_per_recording: float,
        class_power: float,
        seed: int,
        soft: SoftLabels | None = None,
        window_choice: WindowChoice = "random",
        backgrounds: BackgroundPool | None = None,
    ) -> None:
        if backgrounds is not None and backgrounds.half != "train":
            raise DataError(f"backgrounds of the {backgrounds.half} half were given to training: give the train half")
        self._shards = shards
        self._front_end = FrontEnd(shards.spec)
        self._input_names = tuple(input_names)
        self._encoders = [name.removeprefix(EMBEDDING) for name in input_names if name.startswith(EMBEDDING)]
        self._augment = augment
        self._window_choice = window_choice
        self._backgrounds: BackgroundPool | None = None
        if augment.background_probability > 0:
            self._backgrounds = backgrounds or BackgroundPool(shards.spec.sample_rate_hz, half="train")
        self._targets = targets(shards.table, classes.index)
        self._soft = soft
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
        crop = self._crop(first, rng)
        other, share = None, 0.0
        if rng.random() < self._augment.mixup_probability:
            share = float(rng.beta(self._augment.mixup_alpha, self._augment.mixup_alpha))
            other = self._crop(second, rng)
        target = crop.target if other is None else (1.0 - share) * crop.target + share * other.target
        return self._inputs(crop, other, share, rng), torch.from_numpy(target.astype(np.float32))

    def _inputs(self, crop: _Crop, other: _Crop | None, share: float, rng: np.random.Generator) -> Inputs:
        inputs: Inputs = {}
        if "waveform" in self._input_names or "log_mel" in self._input_names:
            second = None if other is None else other.waveform
            waveform = augment_waveform(crop.waveform, second, share, self._augment, rng, self._backgrounds)
            if "waveform" in self._input_names:
                inputs["waveform"] = torch.from_numpy(waveform)
            if "log_mel" in self._input_names:
                log_mel = mask_log_mel(self._front_end.log_mel(waveform[None])[0], self._augment, rng)
                inputs["log_mel"] = torch.from_numpy(log_mel)
        for name, embedding in crop.embeddings.items():
            mixed = embedding if other is None else (1.0 - share) * embedding + share * other.embeddings[name]
            inputs[EMBEDDING + name] = torch.from_numpy(np.asarray(mixed, np.float32))
        return inputs

    def _crop(self, index: int, rng: np.random.Generator) -> _Crop:
        """A window of a recording, chosen as configured."""
        n_draws = N_CANDIDATES if self._window_choice == "loud" else 1
        drawn = [self._draw(index, rng) for _ in range(n_draws)]
        chosen = loudest([one.waveform for one in drawn], self._shards.spec.sample_rate_hz) if n_draws > 1 else 0
        window = drawn[chosen]
        embeddings = {name: np.array(self._shards.embedding(name, index)[window.number]) for name in self._encoders}
        return _Crop(window.waveform, embeddings, self._target(index, window.start))

    def _draw(self, index: int, rng: np.random.Generator) -> _Window:
        """A window from anywhere; from its recording's grid where what is known of it is known only there."""
        spec, waveform = self._shards.spec, self._shards.waveform(index)
        left_out = self._left_out(index)
        if not self._encoders and not left_out:
            start, crop = random_crop(waveform, spec.window_samples, rng)
            return _Window(crop, start, 0)
        starts = grid_starts(len(waveform), spec)
        numbers = [number for number in range(len(starts)) if number not in left_out]
        number = numbers[int(rng.integers(len(numbers)))]
        return _Window(cut_window(waveform, starts[number], spec), starts[number], number)

    def _left_out(self, index: int) -> set[int]:
        if self._soft is None:
            return set()
        recording_id = str(self._shards.table["recording_id"].iloc[index])
        return self._soft.left_out(recording_id, len(self._shards.waveform(index)), self._shards.spec)

    def _target(self, index: int, start: int) -> NDArray[np.float32]:
        if self._soft is None:
            return np.asarray(self._targets[index])
        recording_id = str(self._shards.table["recording_id"].iloc[index])
        if recording_id not in self._soft.targets:
            return np.asarray(self._targets[index])
        return self._soft.at(recording_id, start, len(self._shards.waveform(index)), self._shards.spec)


@dataclass(frozen=True)
class _Window:
    """A window as it was recorded: int16 (window_samples,), where it begins, and its number in the recording's grid."""

    waveform: NDArray[np.int16]
    start: int
    number: int


@dataclass(frozen=True)
class _Crop:
    """A window before augmentation: int16 (window_samples,), its embeddings, and its target (n_classes,)."""

    waveform: NDArray[np.int16]
    embeddings: dict[str, NDArray[np.float32]]
    target: NDArray[np.float32]


def draw_probabilities(labels: NDArray[np.object_], class_power: float) -> NDArray[np.float64]:
    """Probability with which each recording is drawn: 0 keeps the long tail, 1 makes all species equally frequent."""
    _, inverse, counts = np.unique(labels.astype(str), return_inverse=True, return_counts=True)
    weights = counts.astype(np.float64) ** -class_power
    probabilities = weights[inverse]
    return np.asarray(probabilities / probabilities.sum(), dtype=np.float64)


class RecordingWindows(Dataset[Inputs]):
    """Every window of every recording, exactly as the service would cut it.

    Args:
        shards: The recordings that are evaluated.
        input_names: The head's inputs.

    Attributes:
        recording: For each window, the position of its recording in `shards`.
    """

    def __init__(self, shards: ShardSet, input_names: Sequence[str]) -> None:
        self._shards = shards
        self._front_end = FrontEnd(shards.spec)
        self._input_names = tuple(input_names)
        starts = [shards.window_starts(index) for index in range(len(shards))]
        self.recording = np.repeat(np.arange(len(shards)), [len(own) for own in starts])
        self._places = [place for own in starts for place in enumerate(own)]

    def __len__(self) -> int:
        return len(self.recording)

    def __getitem__(self, index: int) -> Inputs:
        recording, (number, start) = int(self.recording[index]), self._places[index]
        inputs: Inputs = {}
        for name in self._input_names:
            if name.startswith(EMBEDDING):
                kept = self._shards.embedding(name.removeprefix(EMBEDDING), recording)[number]
                inputs[name] = torch.from_numpy(np.array(kept))  # mapped from disk, and so not writable
                continue
            waveform = self._shards.waveform(recording)
            window = cut_window(waveform, start, self._shards.spec)
            array = np.array(window) if name == "waveform" else self._front_end.log_mel(window[None])[0]
            inputs[name] = torch.from_numpy(array)
        return inputs
