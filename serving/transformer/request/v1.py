"""The V1 body: recordings in base64."""

from __future__ import annotations

from pydantic import Field

from serving.transformer.request.base64_text import decode_base64
from serving.transformer.request.fields import PredictOptions, RecordingMetadata, Strict, validated
from serving.transformer.request.parsed_request import EncodedRecording, ParsedRequest

MAX_INSTANCES = 64


class Audio(Strict):
    """One recording: OGG, WAV, FLAC or MP3, in base64."""

    b64: str = Field(min_length=1, json_schema_extra={"format": "byte", "contentEncoding": "base64"})


class Instance(RecordingMetadata):
    """One recording with its metadata."""

    audio: Audio


class PredictRequest(Strict):
    """The V1 body."""

    instances: list[Instance] = Field(min_length=1, max_length=MAX_INSTANCES)
    parameters: PredictOptions = PredictOptions()


def read_v1(body: dict[str, object]) -> ParsedRequest:
    """Parse a V1 body.

    Raises:
        InvalidInput: A field is wrong, or not base64; the message names it.
    """
    request = validated(PredictRequest, body)
    fields = [f"instances[{i}].audio.b64" for i in range(len(request.instances))]
    # An instance is its recording's metadata. Its text stays in memory, as it does in the body, which the SDK holds.
    recordings = tuple(
        EncodedRecording(field, decode_base64(one.audio.b64, field), one)
        for field, one in zip(fields, request.instances, strict=True)
    )
    return ParsedRequest(recordings, options=request.parameters)
