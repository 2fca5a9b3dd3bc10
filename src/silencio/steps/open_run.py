"""open_run: before any work, so that a tracking server that cannot be reached, or keeps no files, costs none."""

from __future__ import annotations

from silencio.provenance import what_runs
from silencio.registry import runs


def open_run_step(name: str, key: str) -> str:
    """Open the MLflow run that all later steps write to.

    Returns:
        The run's id.

    Raises:
        RegistryError: The server does not answer, or takes no files.
    """
    return runs.open_run(name, **what_runs(), key=key)
