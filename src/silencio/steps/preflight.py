"""preflight: what would end a training is found before a recording is opened."""

from __future__ import annotations

from silencio.config import RunConfig
from silencio.training.preflight import check_run


def preflight_step(config: str) -> None:
    """Find weights, and make and run every head once.

    Args:
        config: Features, encoders, heads and student (`silencio.config.parts`).

    Raises:
        ConfigError: One sentence a fault.
    """
    check_run(RunConfig.of_part(config))
