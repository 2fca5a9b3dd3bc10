"""distill: one head, trained with soft labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from silencio.config import RunConfig
from silencio.steps import train_head
from silencio.steps.train_head import Outcome, Outputs

__all__ = ["Inputs", "Outcome", "Outputs", "run"]


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Its part of the configuration; a student is the only head of its own.
        head: Name of the head in it.
        record_as: Name of the head's own run in MLflow.
        classes: The ordered class list.
        soft_labels: Targets from `pseudo_label`; of recordings that they have, they take the place of the labels.
        shards: Waveforms of training and validation, and of the pool where there is one.
        soundscapes: Unlabelled recordings, of whose training half something is mixed in.
    """

    config: RunConfig
    head: str
    record_as: str
    classes: Path
    soft_labels: Path
    shards: Sequence[Path]
    soundscapes: Path


def run(inputs: Inputs, outputs: Outputs) -> Outcome:
    """Train one head as `train_head` does, on soft labels where there are some.

    Raises:
        ConfigError: The configuration has no such head: the graph was compiled for another one.
    """
    return train_head.run(train_head.Inputs(**vars(inputs)), outputs)
