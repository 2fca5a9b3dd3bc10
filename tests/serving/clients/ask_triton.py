"""ask_triton.py HOST:PORT RECORDING: by tritonclient over HTTP, in JSON, binary, and packed."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import numpy as np
import tritonclient.http
from tritonclient.utils import InferenceServerException

address, recording = sys.argv[1], Path(sys.argv[2]).read_bytes()
NAMES = ("probabilities", "document", "n_windows")


def send(client: tritonclient.http.InferenceServerClient, content: bytes, is_binary: bool, **options: object) -> dict:
    tensor = tritonclient.http.InferInput("audio", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([content], np.object_), binary_data=is_binary)
    outputs = [tritonclient.http.InferRequestedOutput(name, binary_data=is_binary) for name in NAMES]
    answer = client.infer("silencio", [tensor], outputs=outputs, request_id="seven", **options)
    values = {name: answer.as_numpy(name) for name in NAMES}
    texts = [one.decode() if isinstance(one, bytes) else one for one in values["document"].tolist()]
    return {
        "id": answer.get_response()["id"],
        "probabilities": values["probabilities"].tolist(),
        "document": texts,
        "n_windows": values["n_windows"].tolist(),
    }


with tritonclient.http.InferenceServerClient(address) as client:
    b64 = base64.b64encode(recording)
    packed = {"request_compression_algorithm": "gzip", "response_compression_algorithm": "gzip"}
    found = {
        "ready": [client.is_server_live(), client.is_server_ready(), client.is_model_ready("silencio")],
        "metadata": client.get_model_metadata("silencio"),
        "json": send(client, b64, is_binary=False),
        "binary": send(client, recording, is_binary=True),
        "packed": send(client, recording, is_binary=True, **packed),
        "packed json": send(client, b64, is_binary=False, **packed),
    }
    try:
        send(client, b"garbage", is_binary=True)
    except InferenceServerException as error:
        found["refused"] = [error.status(), error.message()]
print(json.dumps(found))
