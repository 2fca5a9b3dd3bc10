"""fit_ensemble: the supervisor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from silencio.config import RunConfig
from silencio.data.recordings import read_class_list, read_recordings
from silencio.training.ensemble import fit_ensemble
from silencio.training.heads import load_heads


def fuse_step(
    config: RunConfig, heads: Sequence[str], usable_path: str, classes_path: str, fusion_path: str
) -> dict[str, float]:
    """Fit the supervisor.

    Returns:
        Its weights and validation figures, for the run's page.
    """
    classes = read_class_list(Path(classes_path))
    fusion = fit_ensemble(load_heads(heads, config), read_recordings(Path(usable_path)), config, classes)
    fusion.save(Path(fusion_path))
    # A head that the supervisor does without counts nothing.
    weights = dict.fromkeys(config.heads, 0.0) | dict(zip(fusion.heads, fusion.weights, strict=True))
    return {
        "validation_macro_map": round(fusion.validation.macro_map, 4),
        "validation_top1": round(fusion.validation.top1, 4),
        **{f"weight_{name}": round(weight, 4) for name, weight in weights.items()},
    }
