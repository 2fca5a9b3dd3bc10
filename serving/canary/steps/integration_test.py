"""integration_test: the serving pair on a bundle, started here and sent what clients send, before it is deployed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serving.canary.endpoint_checks import has_parity, integration_fault
from serving.canary.simulated import clips_of
from serving.local.servers import local_servers
from serving.simulate.recordings import recordings_of
from serving.simulate.simulated_client import SimulatedClient
from silencio.bundle.manifest import read_manifest
from silencio.errors import ReleaseRefusedError, ServingError

_NAME = "the serving pair"


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        bundle: The bundle's folder.
    """

    bundle: Path


def run(inputs: Inputs) -> str:
    """Start predictor and transformer as a pod does, replay the parity clips, send a recording and what is none.

    Returns:
        What was found, for people.

    Raises:
        BundleError: The folder holds no bundle.
        ReleaseRefusedError: The servers do not serve it, give other numbers than export saw, or answer what they
            should refuse.
    """
    version = read_manifest(inputs.bundle).version
    try:
        with local_servers(inputs.bundle) as servers, SimulatedClient(servers.url) as client:
            close = has_parity(client, inputs.bundle, _NAME)
            fault = integration_fault(client, clips_of(recordings_of(None))[0], _NAME)
    except ServingError as error:
        raise ReleaseRefusedError(f"bundle {version} cannot be served: {error}") from error
    if not close:
        raise ReleaseRefusedError(
            f"bundle {version} gives other numbers behind the servers than its export saw: it is not offered"
        )
    if fault:
        raise ReleaseRefusedError(f"bundle {version} behind the servers: {fault}")
    return (
        f"the serving pair gives the numbers of bundle {version} for its parity clips, and refuses what is no recording"
    )
