"""open_run: before any work, so that a tracking server that cannot be reached, or keeps no files, costs none."""

from __future__ import annotations

from dataclasses import dataclass

from silencio.provenance import what_runs
from silencio.registry import runs


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        name: Shown in MLflow's list of runs.
        key: The pipeline run's identity: with the same key, the same MLflow run is taken up; empty: a new one.
    """

    name: str
    key: str


def run(inputs: Inputs) -> str:
    """Open the MLflow run that all later steps write to.

    Returns:
        The run's id.

    Raises:
        RegistryError: The server does not answer, or takes no files.
    """
    return runs.open_run(inputs.name, **what_runs(), key=inputs.key)
