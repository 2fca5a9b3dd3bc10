"""integration_test: the serving pair on a bundle, started here and sent what clients send, before it is deployed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serving.canary.endpoint_checks import refusal_of
from serving.local.servers import local_servers
from serving.simulate.simulated_client import SimulatedClient
from silencio.bundle.manifest import read_manifest
from silencio.errors import ReleaseRefusedError, ServingError
from silencio.release.deliveries import refusal_noted

_NAME = "the serving pair"


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        bundle: The bundle's folder.
        recordings_version: Version of the recordings, from `inputs_version`.
        packages: Folder or `s3://` prefix where a refusal is noted.
    """

    bundle: Path
    recordings_version: str
    packages: str


def run(inputs: Inputs) -> str:
    """Start predictor and transformer as a pod does, replay the parity clips, send a recording and what is none.

    Returns:
        What was found, for people.

    Raises:
        BundleError: The folder holds no bundle.
        ReleaseRefusedError: The servers do not serve it, give other numbers than export saw, or answer what they
            should refuse; it is noted.
        ReleaseError: They do not answer.
    """
    manifest = read_manifest(inputs.bundle)
    with refusal_noted(inputs.packages, manifest, inputs.recordings_version):
        try:
            with local_servers(inputs.bundle) as servers, SimulatedClient(servers.url) as client:
                refusal = refusal_of(client, inputs.bundle, _NAME)
        except ServingError as error:
            raise ReleaseRefusedError(f"bundle {manifest.version} cannot be served: {error}") from error
        if refusal:
            raise ReleaseRefusedError(refusal)
    return (
        f"{_NAME} gives the numbers of bundle {manifest.version} for its parity clips, and refuses what is no recording"
    )
