"""fit_ensemble: the supervisor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from silencio.config import RunConfig
from silencio.data.recordings import read_class_list, read_recordings
from silencio.training.ensemble import fit_ensemble
from silencio.training.heads import load_heads


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Its part of the configuration.
        heads: Folders of the trained heads; one that is given twice counts once.
        usable: The recordings, for their labels.
        classes: The ordered class list.
    """

    config: RunConfig
    heads: Sequence[Path]
    usable: Path
    classes: Path


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        ensemble: Folder of the fitted ensemble, with its probabilities for every validation window.
    """

    ensemble: Path


def run(inputs: Inputs, outputs: Outputs) -> dict[str, float]:
    """Fit the supervisor on the heads' predictions for validation.

    Returns:
        For the run's page: each head's weight, and the ensemble's metrics on validation.
    """
    config, classes = inputs.config, read_class_list(inputs.classes)
    ensemble = fit_ensemble(load_heads(inputs.heads, config), read_recordings(inputs.usable), config, classes)
    ensemble.save(outputs.ensemble)
    # A head that the supervisor does without counts nothing.
    weights = dict.fromkeys(config.heads, 0.0) | dict(zip(ensemble.heads, ensemble.weights, strict=True))
    return {
        "validation_macro_map": round(ensemble.validation.macro_map, 4),
        "validation_top1": round(ensemble.validation.top1, 4),
        **{f"weight_{name}": round(weight, 4) for name, weight in weights.items()},
    }
