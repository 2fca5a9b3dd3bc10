"""The trained heads of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from silencio.config import RunConfig
from silencio.errors import ModelError
from silencio.training.checkpoint import TrainedHead


def load_heads(paths: Sequence[Path], config: RunConfig) -> list[TrainedHead]:
    """The trained heads in the order of the configuration; a path that is given twice counts once.

    Raises:
        ModelError: A head of the configuration is not among them.
    """
    loaded = {head.name: head for head in (TrainedHead.load(path) for path in dict.fromkeys(paths))}
    missing = [name for name in config.heads if name not in loaded]
    if missing:
        raise ModelError(f"no trained {', '.join(missing)} was handed on; there are {', '.join(loaded)}")
    return [loaded[name] for name in config.heads]
