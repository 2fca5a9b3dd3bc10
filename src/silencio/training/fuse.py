"""Fit the supervisor on what the heads said of the validation recordings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from silencio.config import RunConfig
from silencio.data.shards import targets
from silencio.errors import ModelError
from silencio.evaluation.metrics import Metrics, judge
from silencio.evaluation.recording_scores import recording_scores
from silencio.models.registry import supervisor_class
from silencio.models.supervisor import Supervisor
from silencio.storage import write_atomically
from silencio.taxonomy import ClassList
from silencio.training.checkpoint import TrainedHead, WindowProbabilities

_FUSION, _VALIDATION = "fusion.json", "validation.npz"


@dataclass(frozen=True)
class Fusion:
    """A fitted supervisor.

    Attributes:
        kind: As registered.
        heads: Names of the heads, in the order in which they are handed to it.
        weights: About how much each head counts.
        parameters: Of the supervisor.
        validation: How the ensemble does on validation, the recordings on which it was fitted.
        windows: What the ensemble says of every validation window.
    """

    kind: str
    heads: list[str]
    weights: list[float]
    parameters: Mapping[str, Any]
    validation: Metrics
    windows: WindowProbabilities

    def save(self, directory: Path) -> None:
        """Write to a folder that `load` reads."""
        directory.mkdir(parents=True, exist_ok=True)
        self.windows.save(directory / _VALIDATION)
        facts = {name: getattr(self, name) for name in ("kind", "heads", "weights", "parameters")}
        facts["validation"] = self.validation.to_dict()
        write_atomically(directory / _FUSION, json.dumps(facts, indent=1))

    @classmethod
    def load(cls, directory: Path) -> Fusion:
        """The inverse of `save`."""
        facts = json.loads((directory / _FUSION).read_text(encoding="utf-8"))
        facts["validation"] = Metrics(**facts["validation"])
        return cls(**facts, windows=WindowProbabilities.load(directory / _VALIDATION))

    def module(self) -> Supervisor:
        """The supervisor, ready to use."""
        return supervisor_class(self.kind).restore(self.parameters).eval()


def fuse_heads(heads: Sequence[TrainedHead], recordings: pd.DataFrame, config: RunConfig, classes: ClassList) -> Fusion:
    """Fit the supervisor.

    Args:
        heads: The trained heads, with what they said of validation.
        recordings: Validation recordings with `recording_id`, `primary_label`, `secondary_labels`.
        config: The resolved configuration.
        classes: The order of the outputs.

    Raises:
        ModelError: The heads were judged on different recordings.
    """
    first = heads[0].validation
    for head in heads[1:]:
        if head.validation.recording_ids != first.recording_ids:
            raise ModelError(f"{head.name} and {heads[0].name} were validated on different recordings")
    table = recordings.set_index("recording_id").loc[first.recording_ids].reset_index()
    target = targets(table, classes.index)
    scores = np.stack([recording_scores(h.validation.probabilities, h.validation.recording) for h in heads])
    kind = supervisor_class(config.supervisor.kind)
    supervisor = kind.fit(scores, target, config.supervisor, config.seed).eval()
    windows = supervisor.join(np.stack([head.validation.probabilities for head in heads]))
    fused = recording_scores(windows, first.recording)
    return Fusion(
        kind=config.supervisor.kind,
        heads=[head.name for head in heads],
        weights=supervisor.weights,
        parameters=supervisor.facts(),
        validation=judge(fused, target, table["primary_label"], classes),
        windows=WindowProbabilities(first.recording_ids, first.recording, windows),
    )
