"""record_heads: the own runs of heads that taught others, or that others taught."""

from __future__ import annotations

from collections.abc import Mapping

from silencio.errors import RegistryError
from silencio.registry.connection import connect, registry_errors
from silencio.registry.head_record import record_heads


def record_heads_step(run_id: str, heads: Mapping[str, str]) -> None:
    """Complete the heads' own runs. Done twice it is the same.

    Args:
        run_id: From `open_run`.
        heads: Folders of trained heads, each with its times (`silencio.registry.head_record.record_heads`).

    Raises:
        RegistryError: The server does not answer or refuses.
    """
    if not run_id:
        raise RegistryError("record_heads was given no run: it takes the run_id of the step open_run")
    client = connect()
    with registry_errors(f"recording the heads of run {run_id}"):
        record_heads(client, run_id, heads)
