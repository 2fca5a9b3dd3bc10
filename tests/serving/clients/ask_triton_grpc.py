"""Asks by NVIDIA's tritonclient, over gRPC and HTTP, and prints what it got as JSON; run by an interpreter that has it.

ask_triton_grpc.py GRPC_ADDRESS HTTP_ADDRESS VERSION RECORDING…
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http

OUTPUTS = ("n_windows", "probabilities", "document")


def send(module: Any, client: Any, recordings: list[bytes], outputs: tuple[str, ...] = OUTPUTS, **options: Any) -> Any:
    """One request, and its outputs by name as digests of their bytes."""
    tensor = module.InferInput("audio", [len(recordings)], "BYTES")
    tensor.set_data_from_numpy(np.array(recordings, np.object_))
    wanted = [module.InferRequestedOutput(name) for name in outputs]
    answer = client.infer("silencio", [tensor], outputs=wanted, **options)
    reply = {}
    for name in outputs:
        array = answer.as_numpy(name)
        content = b"\0".join(array.ravel()) if array.dtype == np.object_ else array.tobytes()
        reply[name] = [str(array.dtype), list(array.shape), hashlib.sha256(content).hexdigest()]
    return reply


def refusal(*arguments: Any, **options: Any) -> list[str]:
    """Status and sentence of a request that is refused."""
    try:
        send(*arguments, **options)
    except tritonclient.grpc.InferenceServerException as error:
        return [error.status() or "", error.message()]
    return ["", "answered"]


def main(grpc_address: str, http_address: str, version: str, paths: list[str]) -> None:
    """Ask and print."""
    recordings = [Path(path).read_bytes() for path in paths]
    grpc_client = tritonclient.grpc.InferenceServerClient(grpc_address)
    http_client = tritonclient.http.InferenceServerClient(http_address, connection_timeout=600, network_timeout=600)
    grpc, http = (tritonclient.grpc, grpc_client), (tritonclient.http, http_client)
    metadata = grpc_client.get_model_metadata("silencio")
    reply = {
        "is_ready": [client.is_model_ready("silencio") for _, client in (grpc, http)],
        "is_ready_version": [client.is_model_ready("silencio", version) for _, client in (grpc, http)],
        "versions": [list(metadata.versions), http_client.get_model_metadata("silencio")["versions"]],
        "grpc": send(*grpc, recordings),
        "http": send(*http, recordings),
        "gzip": send(*grpc, recordings, compression_algorithm="gzip"),
        "version": [send(*one, recordings[:1], model_version=version) for one in (grpc, http)],
        "unknown_output": [refusal(*one, recordings[:1], ("n_windows", "nope")) for one in (grpc, http)],
        "unknown_version": [refusal(*one, recordings[:1], model_version="7") for one in (grpc, http)],
    }
    print(json.dumps(reply))


if __name__ == "__main__":
    main(*sys.argv[1:4], sys.argv[4:])
