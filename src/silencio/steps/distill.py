"""distill: one head, with a teacher's soft labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from silencio.config import RunConfig
from silencio.data.soft_labels import SoftLabels
from silencio.steps.train_head import train_step


def teach_step(
    config: RunConfig,
    head: str,
    shards: Sequence[str],
    soft_path: str,
    classes_path: str,
    model_path: str,
    report_path: str,
    record_as: str,
    soundscapes_path: str,
) -> tuple[dict[str, float], str]:
    """Train one head as `train` does, with soft labels for the recordings that a teacher speaks of.

    Args:
        config: What this step reads of the configuration; a student is the only head of its own.
        head: Name of the head in it.
        shards: With the training and validation parts, and the pool where there is one.
        soft_path: From `label`.
        classes_path: The ordered class list.
        model_path: Gets the trained head.
        report_path: Gets the course of training.
        record_as: Name of the head's own run in MLflow.
        soundscapes_path: Unlabelled recordings, for what is mixed in.

    Returns:
        As `train`.

    Raises:
        ConfigError: The configuration has no such head: the graph was compiled for another one.
    """
    paths = classes_path, model_path, report_path
    soft = SoftLabels.load(Path(soft_path))
    return train_step(config, head, shards, *paths, soft, record_as, soundscapes_path)
