"""The Open Inference Protocol's JSON, so far as it is sent and answered here."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from serving.transformer.request.fields import LooseFields

Datatype = Literal["BYTES", "FP32", "INT32"]
Scalar = str | float | int | bool
_Name = Literal["probabilities", "document", "n_windows"]


class InferParameters(LooseFields):
    """What holds for all recordings of a request.

    Attributes:
        spec_sha256: SHA-256 of the feature definition by which `log_mel` was computed.
    """

    spec_sha256: str | None = None


class InferInput(BaseModel):
    """One tensor.

    Attributes:
        name: `audio`, encoded recordings; or `log_mel`, features that a device computed.
        datatype: BYTES of `audio`, FP32 of `log_mel`.
        shape: [n] of `audio`; [n_windows, n_mels, n_frames] of `log_mel`.
        data: Base64 of each recording, or numbers.
    """

    name: Literal["audio", "log_mel"]
    datatype: Literal["BYTES", "FP32"]
    shape: list[int] = Field(min_length=1, max_length=3)
    data: list[str | float]


class InferRequestedOutput(BaseModel):
    """An output that is wanted."""

    name: _Name


class InferRequest(BaseModel):
    """The V2 body.

    Attributes:
        id: Comes back in the answer.
        inputs: One tensor.
        outputs: All, where none is named.
    """

    id: str | None = Field(None, min_length=1)
    parameters: InferParameters | None = None
    inputs: list[InferInput] = Field(min_length=1, max_length=1)
    outputs: list[InferRequestedOutput] | None = None


class InferOutput(BaseModel):
    """One tensor of the answer.

    Attributes:
        name: `probabilities` of [windows, classes]; `document` of [recordings], JSON; `n_windows` of [recordings].
        datatype: FP32, BYTES and INT32.
        shape: Its sizes.
        data: Flat, row by row.
    """

    name: _Name
    datatype: Datatype
    shape: list[int]
    data: list[str | float]


class InferAnswer(BaseModel):
    """The V2 answer.

    Attributes:
        model_version: The bundle's.
    """

    id: str
    model_name: str
    model_version: str
    parameters: dict[str, Scalar]
    outputs: list[InferOutput]


class TensorMetadata(BaseModel):
    """A tensor that is taken or given; -1 is any size."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What a model takes and gives.

    Attributes:
        versions: Versions that may be named: the served bundle's alone.
    """

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelReady(BaseModel):
    """A model that is ready."""

    name: str
    ready: bool


class Models(BaseModel):
    """The models of this server."""

    models: list[str]


class ServerMetadata(BaseModel):
    """The server."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(BaseModel):
    """The server is alive."""

    live: bool


class ServerReady(BaseModel):
    """All of the server's models are ready."""

    ready: bool


V2_REQUESTS: list[type[BaseModel]] = [InferRequest]
V2_ANSWERS: list[type[BaseModel]] = [
    InferAnswer,
    ModelMetadata,
    ModelReady,
    Models,
    ServerMetadata,
    ServerLive,
    ServerReady,
]
