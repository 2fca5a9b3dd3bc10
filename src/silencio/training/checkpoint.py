"""A trained head on disk: weights, configuration and its predictions of every validation window."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from silencio.data.shards import ShardEncoder
from silencio.encoders import EncoderSpec
from silencio.errors import ModelError
from silencio.features import FeatureSpec
from silencio.models.head import Head, HeadConfig, HeadContext
from silencio.models.registry import head_class
from silencio.storage import write_atomically
from silencio.taxonomy import ClassList

_WEIGHTS, _HEAD, _VALIDATION, _OUT_OF_FOLD = "weights.pt", "head.json", "validation.npz", "out-of-fold.npz"
_FOLDS = "folds"


@dataclass(frozen=True)
class WindowProbabilities:
    """A head's predictions of windows.

    Attributes:
        recording_ids: Names of the recordings.
        recording: Recording for each window, the position of its recording, int (n_windows,).
        probabilities: float32, shape (n_windows, n_classes).
    """

    recording_ids: list[str]
    recording: NDArray[np.integer]
    probabilities: NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Keep as npz."""
        np.savez_compressed(
            path,
            recording_ids=np.array(self.recording_ids),
            recording=self.recording,
            probabilities=self.probabilities,
        )

    def of(self, recording_ids: Collection[str]) -> WindowProbabilities:
        """Those of some recordings, in the same order."""
        wanted = set(recording_ids)
        kept = [place for place, name in enumerate(self.recording_ids) if name in wanted]
        own = np.isin(self.recording, kept)
        place = np.full(len(self.recording_ids), -1)
        place[kept] = np.arange(len(kept))
        return WindowProbabilities(
            [self.recording_ids[one] for one in kept], place[self.recording[own]], self.probabilities[own]
        )

    @classmethod
    def concatenated(cls, parts: Sequence[WindowProbabilities]) -> WindowProbabilities:
        """Of the recordings of all parts together, sorted by name; no recording is in two of them."""
        ids = [name for part in parts for name in part.recording_ids]
        place = {name: number for number, name in enumerate(sorted(ids))}
        recording = np.concatenate([np.array([place[n] for n in part.recording_ids])[part.recording] for part in parts])
        order = np.argsort(recording, kind="stable")
        probabilities = np.concatenate([part.probabilities for part in parts])
        return cls(sorted(ids), recording[order], probabilities[order])

    @classmethod
    def load(cls, path: Path) -> WindowProbabilities:
        """The inverse of `save`."""
        with np.load(path) as arrays:
            names = [str(name) for name in arrays["recording_ids"]]
            return cls(names, arrays["recording"], arrays["probabilities"])


@dataclass(frozen=True)
class TrainedHead:
    """A head after training.

    Attributes:
        name: Name in the configuration.
        config: Configuration that it was trained with.
        spec_sha256: SHA-256 of the feature spec that it was trained with.
        classes_sha256: SHA-256 of the class list that it learned.
        n_steps: Optimizer steps; 0 would be a head that learned nothing.
        state: The head's weights.
        validation: Its predictions of every validation window right after training. Export holds the exported graph
            against these numbers: a graph with other weights than the trained ones cannot pass.
        epoch_losses: Mean training loss of each epoch.
        trained_on: Fingerprints of the recordings that it was trained on (`recording_fingerprints`): `evaluate`
            holds them against the test set.
        encoders: Encoders whose embeddings the head takes, by name.
        out_of_fold: Predictions of training recordings by heads trained without them; None: none were trained.
        fold: Fold without which it was trained, and of which `validation` is; None: it was trained on all folds, or
            there are none.
        folds: The same head trained without each fold, in order; empty where recordings are held out instead. Where it
            has them, `validation` is of recordings that it was trained on, and serves to know its weights alone.
    """

    name: str
    config: HeadConfig
    spec_sha256: str
    classes_sha256: str
    n_steps: int
    state: dict[str, torch.Tensor]
    validation: WindowProbabilities
    epoch_losses: list[float]
    trained_on: list[str]
    encoders: dict[str, ShardEncoder] = field(default_factory=dict)
    out_of_fold: WindowProbabilities | None = None
    fold: int | None = None
    folds: tuple[TrainedHead, ...] = ()

    @property
    def held_out(self) -> WindowProbabilities:
        """Predictions of every recording on which it can be evaluated: by weights that had not seen it."""
        if self.folds:
            return WindowProbabilities.concatenated([one.validation for one in self.folds])
        parts = [self.validation] if self.out_of_fold is None else [self.validation, self.out_of_fold]
        return WindowProbabilities.concatenated(parts)

    def save(self, directory: Path) -> None:
        """Write to a folder that `load` reads."""
        directory.mkdir(parents=True, exist_ok=True)
        torch.save({name: value.cpu() for name, value in self.state.items()}, directory / _WEIGHTS)
        self.validation.save(directory / _VALIDATION)
        if self.out_of_fold is not None:
            self.out_of_fold.save(directory / _OUT_OF_FOLD)
        facts = {
            "name": self.name,
            "config": self.config.model_dump(mode="json"),
            "spec_sha256": self.spec_sha256,
            "classes_sha256": self.classes_sha256,
            "n_steps": self.n_steps,
            "epoch_losses": self.epoch_losses,
            "trained_on": self.trained_on,
            "fold": self.fold,
            "encoders": {
                name: {"spec": one.spec.model_dump(mode="json"), "identity": one.identity}
                for name, one in self.encoders.items()
            },
        }
        for number, one in enumerate(self.folds):
            one.save(directory / _FOLDS / str(number))
        write_atomically(directory / _HEAD, json.dumps(facts, indent=1))

    @classmethod
    def load(cls, directory: Path) -> TrainedHead:
        """The inverse of `save`.

        Raises:
            ModelError: The folder holds no trained head.
        """
        try:
            facts = json.loads((directory / _HEAD).read_text(encoding="utf-8"))
            state = torch.load(directory / _WEIGHTS, map_location="cpu", weights_only=True)
            validation = WindowProbabilities.load(directory / _VALIDATION)
            kept = directory / _OUT_OF_FOLD
            out_of_fold = WindowProbabilities.load(kept) if kept.exists() else None
        except FileNotFoundError as error:
            raise ModelError(f"{directory} holds no trained head: {error.filename} is missing") from error
        kind = facts["config"]["kind"]
        facts["config"] = head_class(kind).Config.model_validate(facts["config"], strict=False)
        facts["encoders"] = {
            name: ShardEncoder(EncoderSpec.model_validate(one["spec"], strict=False), one["identity"])
            for name, one in facts["encoders"].items()
        }
        numbers = sorted(int(path.name) for path in (directory / _FOLDS).glob("*"))
        folds = tuple(cls.load(directory / _FOLDS / str(number)) for number in numbers)
        return cls(state=state, validation=validation, out_of_fold=out_of_fold, folds=folds, **facts)

    def module(self, spec: FeatureSpec, classes: ClassList) -> Head[Any]:
        """The head with its trained weights, ready to predict.

        Raises:
            ModelError: It was trained on other features or classes, or not at all.
        """
        if self.spec_sha256 != spec.sha256:
            raise ModelError(f"{self.name} was trained on feature spec {self.spec_sha256[:12]}, not {spec.sha256[:12]}")
        if self.classes_sha256 != classes.sha256:
            raise ModelError(f"{self.name} was trained on another class list")
        if self.n_steps < 1:
            raise ModelError(f"{self.name} was never trained: it has made {self.n_steps} steps")
        specs = {name: one.spec for name, one in self.encoders.items()}
        context = HeadContext(spec, len(classes), specs, initialize=False)
        head = head_class(self.config.kind).build(self.config, context)
        head.load_state_dict(self.state, strict=True)
        return head.eval()
