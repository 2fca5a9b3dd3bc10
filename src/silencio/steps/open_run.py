"""open_run: the first step, so that an unreachable tracking server costs no work."""

from __future__ import annotations

from silencio.provenance import what_runs
from silencio.registry import models, runs


def open_run_step(name: str, key: str) -> tuple[str, str, str]:
    """Open the MLflow run that all later steps write to.

    Returns:
        The run's id; the number of the version that is champion now, and its bundle's version; empty where none is.

    Raises:
        RegistryError: The server does not answer.
    """
    return runs.open_run(name, **what_runs(), key=key), *models.champion_version()
