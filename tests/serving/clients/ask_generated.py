"""ask_generated.py URL RECORDING: by the client that openapi-python-client made, as package `silencio_client`."""

from __future__ import annotations

import base64
import datetime
import io
import json
import sys
from pathlib import Path

from silencio_client import Client
from silencio_client.api.default import (
    infer,
    model_metadata,
    predict,
    predict_table,
    server_ready,
    upload,
    upload_table,
)
from silencio_client.models import (
    Audio,
    Error,
    InferInput,
    InferInputDatatype,
    InferInputName,
    InferRequest,
    Instance,
    PredictOptions,
    PredictRequest,
    TableOptions,
    TableOptionsFormat,
    TableRequest,
    UploadTableFormat,
)
from silencio_client.types import File

url, recording = sys.argv[1], Path(sys.argv[2]).read_bytes()
b64 = base64.b64encode(recording).decode()
tensor = InferInput(name=InferInputName.AUDIO, datatype=InferInputDatatype.BYTES, shape=[1], data=[b64])
instance = Instance(Audio(b64), latitude=6.7, longitude=-74.2, recorded_at=datetime.datetime(2026, 5, 8, 5, 40))
found = {}
with Client(base_url=url) as client:
    # No option is named: whatever the client then sends by itself must be taken.
    answer = predict.sync(client=client, body=PredictRequest([instance]))
    found["json"] = answer.to_dict()
    options = PredictOptions(top_k=2)
    answer = predict.sync(client=client, body=PredictRequest([instance], options))
    found["two"] = [len(window.species) for window in answer.predictions[0].windows]
    uploaded = upload.sync_detailed(client=client, body=File(io.BytesIO(recording)), x_request_id="walk-7")
    found["upload"] = uploaded.parsed.to_dict()
    found["id"] = uploaded.headers["x-request-id"]
    table = TableRequest([instance], TableOptions(TableOptionsFormat.CSV))
    found["csv"] = predict_table.sync(client=client, body=table)
    raven = upload_table.sync(client=client, body=File(io.BytesIO(recording)), format_=UploadTableFormat.RAVEN)
    found["raven"] = raven
    answer = infer.sync(client=client, body=InferRequest([tensor]))
    found["v2"] = {one.name.value: one.data for one in answer.outputs}
    found["inputs"] = [one.name for one in model_metadata.sync(client=client).inputs]
    found["ready"] = server_ready.sync(client=client).ready
    refused = predict.sync_detailed(client=client, body=PredictRequest([Instance(Audio("no base64!"))]))
    assert isinstance(refused.parsed, Error), refused
    found["refused"] = [refused.status_code, refused.parsed.error, "x-request-id" in refused.headers]
print(json.dumps(found))
