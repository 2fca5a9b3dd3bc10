"""preflight: what would end a training is found before a recording is opened."""

from __future__ import annotations

from dataclasses import dataclass

from silencio.config import RunConfig
from silencio.training.preflight import check_run


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Features, encoders, heads and student (`silencio.config.parts`).
    """

    config: RunConfig


def run(inputs: Inputs) -> None:
    """Find the weights of encoders and backbones, and make and run every head once.

    Raises:
        ConfigError: One sentence a fault.
    """
    check_run(inputs.config)
