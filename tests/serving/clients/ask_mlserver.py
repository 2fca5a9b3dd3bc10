"""ask_mlserver.py URL RECORDING: requests and answers as MLServer's types and codecs write and read them."""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path

from mlserver.codecs import Base64Codec, NumpyCodec, StringCodec
from mlserver.types import InferenceErrorResponse, InferenceRequest, InferenceResponse, MetadataModelResponse

url, recording = sys.argv[1], Path(sys.argv[2]).read_bytes()


def post(body: str) -> bytes:
    request = urllib.request.Request(f"{url}/v2/models/silencio/infer", body.encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        return error.read()


with urllib.request.urlopen(f"{url}/v2/models/silencio") as answer:
    metadata = MetadataModelResponse.model_validate_json(answer.read())
tensor = Base64Codec.encode_input("audio", [recording])
answered = InferenceResponse.model_validate_json(post(InferenceRequest(id="seven", inputs=[tensor]).model_dump_json()))
outputs = {one.name: one for one in answered.outputs}
wrong = tensor.model_copy(update={"name": "sound"})
print(
    json.dumps(
        {
            "inputs": [one.name for one in metadata.inputs],
            "id": answered.id,
            "probabilities": NumpyCodec.decode_output(outputs["probabilities"]).tolist(),
            "document": StringCodec.decode_output(outputs["document"]),
            "refused": InferenceErrorResponse.model_validate_json(
                post(InferenceRequest(inputs=[wrong]).model_dump_json())
            ).error,
        }
    )
)
