"""From documents to a response of V1 (JSON) or V2 (tensors)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from kserve import InferOutput, InferRequest, InferResponse
from numpy.typing import NDArray

from serving.server.v2_outputs import wanted_outputs
from serving.transformer.timings import Timings
from silencio.bundle.manifest import BundleManifest
from silencio.detections import RecordingDocument
from silencio.prediction_log import prediction_id

PROBABILITIES = "probabilities"
DOCUMENT = "document"
N_WINDOWS = "n_windows"
_DATATYPES = {PROBABILITIES: "FP32", DOCUMENT: "BYTES", N_WINDOWS: "INT32"}
OUTPUTS = tuple(_DATATYPES)


def bundle_entry(manifest: BundleManifest) -> dict[str, str]:
    """The bundle's name, version and spec, as responses name them."""
    return {"name": manifest.name, "version": manifest.version, "spec_sha256": manifest.spec_sha256}


def v1_body(
    documents: Sequence[RecordingDocument], manifest: BundleManifest, request_id: str, timings: Timings
) -> dict[str, Any]:
    """The V1 response, one prediction a recording, in the order in which they came."""
    return {
        "predictions": [document.model_dump() for document in documents],
        # A client that writes Raven's tables has no other way to know the model's band.
        "bundle": {**bundle_entry(manifest), "f_min_hz": manifest.spec.f_min_hz, "f_max_hz": manifest.spec.f_max_hz},
        "request_id": request_id,
        "prediction_ids": [prediction_id(request_id, i) for i in range(len(documents))],
        "stage_ms": {stage: round(1e3 * seconds, 3) for stage, seconds in timings.by_stage().items()},
    }


def v2_response(
    request: InferRequest,
    documents: Sequence[RecordingDocument],
    probabilities: Sequence[NDArray[np.float32]],
    manifest: BundleManifest,
    request_id: str,
) -> InferResponse:
    """The V2 response.

    Args:
        request: The request as the SDK parsed it.
        documents: Documents by recording.
        probabilities: Probabilities by recording, float32 (n_windows, n_classes), before place and season.
        manifest: The bundle's manifest.
        request_id: The server's own name for the request; the response has it where the client gave none.

    Returns:
        `probabilities` FP32 (n_windows of all recordings, n_classes), `document` BYTES (n_recordings,), JSON of each,
        and `n_windows` INT32 (n_recordings,).
    """
    n_windows = np.array([len(one) for one in probabilities], np.int32)
    texts = np.array([document.model_dump_json() for document in documents], np.object_)
    values = {PROBABILITIES: np.concatenate(probabilities), DOCUMENT: texts, N_WINDOWS: n_windows}
    outputs = []
    for name in wanted_outputs(request, OUTPUTS):
        output = InferOutput(name, list(values[name].shape), _DATATYPES[name])
        output.set_data_from_numpy(values[name], binary_data=request.from_grpc or request.use_binary_outputs)
        outputs.append(output)
    return InferResponse(
        response_id=request.id or request_id,
        model_name=request.model_name,
        model_version=manifest.version,
        infer_outputs=outputs,
        parameters={f"bundle_{name}": value for name, value in bundle_entry(manifest).items()},
        use_binary_outputs=request.use_binary_outputs,
        requested_outputs=request.request_outputs,
    )
