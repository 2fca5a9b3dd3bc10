"""open_run: the first step, so that a tracking server that cannot be reached, or keeps no files, costs no work."""

from __future__ import annotations

from silencio.registry import runs


def open_run_step(name: str, code_version: str, image: str, key: str) -> str:
    """Open the MLflow run that all later steps write to.

    Returns:
        The run's id.

    Raises:
        RegistryError: The server does not answer, or takes no files.
    """
    return runs.open_run(name, code_version, image, key)
