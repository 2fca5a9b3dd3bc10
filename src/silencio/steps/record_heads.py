"""record_heads: the MLflow runs of heads that others learned from, or that learned from others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from silencio.errors import RegistryError
from silencio.registry.connection import connect, registry_errors
from silencio.registry.head_record import record_heads


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        run_id: The MLflow run, from `open_run`.
        heads: Folders of trained heads, each with its times (`silencio.registry.head_record.record_heads`).
    """

    run_id: str
    heads: Mapping[str, str]


def run(inputs: Inputs) -> None:
    """Complete the heads' own runs. Done twice it is the same.

    Raises:
        RegistryError: The server does not answer or refuses.
    """
    if not inputs.run_id:
        raise RegistryError("record_heads was given no run: it takes the run_id of the step open_run")
    client = connect()
    with registry_errors(f"recording the heads of run {inputs.run_id}"):
        record_heads(client, inputs.run_id, inputs.heads)
