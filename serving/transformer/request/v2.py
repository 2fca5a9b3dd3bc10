"""The Open Inference Protocol V2: recordings as BYTES, or features that a device computed itself."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from kserve import InferInput, InferRequest
from kserve.errors import InvalidInput
from kserve.protocol.infer_type import to_http_parameters
from numpy.typing import NDArray

from serving.server.v2_outputs import wanted_outputs
from serving.transformer.request.base64_text import decode_base64
from serving.transformer.request.fields import LooseFields, from_text, validated
from serving.transformer.request.parsed_request import EncodedRecording, GivenFeatures, ParsedRequest
from serving.transformer.request.v1 import MAX_INSTANCES
from serving.transformer.responses import OUTPUTS
from silencio.features import FeatureSpec

AUDIO = "audio"
LOG_MEL = "log_mel"
_SPEC = "spec_sha256"
_DEGREES = ("latitude", "longitude")
# Of the protocol, not of ours: how outputs are to be written.
_PROTOCOL_PARAMETERS = {"binary_data_output", "content_type", "headers"}
_NEEDED = f"one input is needed: {AUDIO} (BYTES, encoded recordings) or {LOG_MEL} (FP32, of this bundle's spec)"


def read_v2(request: InferRequest, spec: FeatureSpec, inputs: tuple[str, ...], max_windows: int) -> ParsedRequest:
    """Parse a V2 request.

    Args:
        request: The request as the SDK parsed it.
        spec: The bundle's feature definition.
        inputs: Names of the graph's inputs.
        max_windows: Most windows of features.

    Raises:
        InvalidInput: A tensor, an output or a parameter is wrong; the message names it.
    """
    wanted_outputs(request, OUTPUTS)
    names = [tensor.name for tensor in request.inputs]
    if names not in ([AUDIO], [LOG_MEL]):
        raise InvalidInput(f"inputs: {_NEEDED}; the request has {', '.join(sorted(names)) or 'none'}")
    parameters = _parameters(request)
    declared_sha256 = parameters.pop(_SPEC, None)
    if declared_sha256 not in (None, spec.sha256):
        raise InvalidInput(f"parameters.{_SPEC}: this bundle has {spec.sha256}, the request has {declared_sha256}")
    fields = validated(LooseFields, parameters, "parameters")
    if fields.format != "json":
        raise InvalidInput("parameters.format: V2 answers tensors and JSON; V1 has the other formats")
    if names == [AUDIO]:
        recordings = tuple(
            EncodedRecording(f"inputs.{AUDIO}[{i}]", content, fields)
            for i, content in enumerate(_contents(request.inputs[0]))
        )
        return ParsedRequest(recordings, options=fields, v2=request)
    if declared_sha256 is None:
        raise InvalidInput(f"parameters.{_SPEC}: is missing; features are taken of this bundle's spec {spec.sha256}")
    if inputs != (LOG_MEL,):
        raise InvalidInput(f"inputs.{LOG_MEL}: this bundle also needs {_others(inputs)}; send recordings as {AUDIO}")
    features = GivenFeatures(_log_mel(request.inputs[0], spec, max_windows), fields)
    return ParsedRequest(features=features, options=fields, v2=request)


def _others(inputs: tuple[str, ...]) -> str:
    return ", ".join(name for name in inputs if name != LOG_MEL) or "something else"


def _parameters(request: InferRequest) -> dict[str, Any]:
    raw: Mapping[str, Any] = request.parameters or {}
    parameters = _of_grpc(raw) if request.from_grpc else dict(raw)
    return {name: value for name, value in parameters.items() if name not in _PROTOCOL_PARAMETERS}


def _of_grpc(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The SDK's messages have texts and whole numbers alone: degrees come as text."""
    parameters = dict(to_http_parameters(raw))
    degrees = {name: value for name, value in parameters.items() if name in _DEGREES and isinstance(value, str)}
    return parameters | from_text(degrees)


def _contents(tensor: InferInput) -> list[bytes]:
    if tensor.datatype != "BYTES":
        raise InvalidInput(f"inputs.{AUDIO}: datatype BYTES is needed, this is {tensor.datatype}")
    shape = list(tensor.shape)
    n_recordings = math.prod(shape)
    if not 1 <= n_recordings <= MAX_INSTANCES or len(shape) not in (1, 2) or shape[1:] not in ([], [1]):
        raise InvalidInput(f"inputs.{AUDIO}: shape [1 to {MAX_INSTANCES}] is needed, this is {shape}")
    try:
        contents = list(np.ravel(tensor.as_numpy()))
    except (ValueError, TypeError, OverflowError, MemoryError, struct.error) as error:
        raise InvalidInput(f"inputs.{AUDIO}: the data do not hold {n_recordings} byte strings") from error
    for i, one in enumerate(contents):
        if not isinstance(one, bytes | str) or not one:
            raise InvalidInput(f"inputs.{AUDIO}[{i}]: a recording is needed, in base64 where the request is JSON")
    return [
        one if isinstance(one, bytes) else decode_base64(one, f"inputs.{AUDIO}[{i}]") for i, one in enumerate(contents)
    ]


def _log_mel(tensor: InferInput, spec: FeatureSpec, max_windows: int) -> NDArray[np.float32]:
    if tensor.datatype != "FP32":
        raise InvalidInput(f"inputs.{LOG_MEL}: datatype FP32 is needed, this is {tensor.datatype}")
    shape = list(tensor.shape)
    if shape[1:] != list(spec.log_mel_shape) or not 1 <= shape[0] <= max_windows:
        raise InvalidInput(
            f"inputs.{LOG_MEL}: shape [1 to {max_windows}, {spec.n_mels}, {spec.n_frames}] is needed, this is {shape}"
        )
    try:
        array = np.asarray(tensor.as_numpy(), np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidInput(f"inputs.{LOG_MEL}: the data do not hold {math.prod(shape)} numbers") from error
    if not np.isfinite(array).all():
        raise InvalidInput(f"inputs.{LOG_MEL}: every number must be finite")
    return array
