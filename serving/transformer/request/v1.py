"""The V1 body: recordings in base64."""

from __future__ import annotations

from pydantic import Field

from serving.transformer.request.base64_text import decode_base64
from serving.transformer.request.fields import KnownFields, OptionFields, Strict, validated
from serving.transformer.request.predict_request import EncodedRecording, Question

MOST_INSTANCES = 64


class Audio(Strict):
    """One recording: OGG, WAV, FLAC or MP3, in base64."""

    b64: str = Field(min_length=1, json_schema_extra={"format": "byte", "contentEncoding": "base64"})


class Instance(KnownFields):
    """One recording and what is known of it."""

    audio: Audio


class PredictRequest(Strict):
    """The V1 body."""

    instances: list[Instance] = Field(min_length=1, max_length=MOST_INSTANCES)
    parameters: OptionFields = OptionFields()


def read_v1(body: dict[str, object]) -> Question:
    """Understand a V1 body.

    Raises:
        InvalidInput: A field is wrong, or not base64; the message names it.
    """
    request = validated(PredictRequest, body)
    fields = [f"instances[{i}].audio.b64" for i in range(len(request.instances))]
    recordings = tuple(
        EncodedRecording(field, decode_base64(one.audio.b64, field), one.known())
        for field, one in zip(fields, request.instances, strict=True)
    )
    return Question(recordings, options=request.parameters.options())
