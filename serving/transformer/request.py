"""What a client may send, and the sentence that answers everything else."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from kserve import InferRequest
from kserve.errors import InvalidInput
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from silencio.detections.documents import TopK

MOST_INSTANCES = 64
DEFAULT_TOP_K = 5
_TAKEN = "send application/json, or a recording's own bytes as audio/ogg, audio/wav, audio/flac or audio/mpeg"

# In the words of who sends JSON, by pydantic's type of fault.
_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field that is taken here",
    "model_type": "an object is needed",
    "list_type": "a list is needed",
    "string_type": "text is needed",
    "string_too_short": "is empty",
    "too_short": "at least {min_length} is needed, there are {actual_length}",
    "too_long": "at most {max_length} are taken at once, there are {actual_length}",
}


def _top_k(value: object) -> TopK:
    if value == "all":
        return "all"
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise PydanticCustomError("top_k", 'a whole number of at least 1, or "all", is needed')


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Audio(_Strict):
    """One recording: OGG, WAV, FLAC or MP3, in base64."""

    b64: str = Field(min_length=1)


class Instance(_Strict):
    """One recording and what is known of it."""

    audio: Audio


class Parameters(_Strict):
    """How to answer.

    Attributes:
        top_k: How many species a window lists.
    """

    top_k: Annotated[TopK, PlainValidator(_top_k)] = DEFAULT_TOP_K


class PredictRequest(_Strict):
    """The V1 body."""

    instances: list[Instance] = Field(min_length=1, max_length=MOST_INSTANCES)
    parameters: Parameters = Parameters()


@dataclass(frozen=True)
class EncodedRecording:
    """A recording as it came.

    Attributes:
        field: Where in the request it stood.
        content: Its bytes, or base64 of them.
    """

    field: str
    content: bytes | str

    def encoded(self) -> bytes:
        """The recording's own bytes.

        Raises:
            InvalidInput: The text is not base64.
        """
        if isinstance(self.content, bytes):
            return self.content
        try:
            # Android and MIME encoders break lines.
            return base64.b64decode("".join(self.content.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidInput(f"{self.field}: not base64 ({error})") from error


@dataclass(frozen=True)
class Question:
    """A request that was understood.

    Attributes:
        recordings: At least one.
        top_k: How many species a window lists.
    """

    recordings: tuple[EncodedRecording, ...]
    top_k: TopK


def read_request(payload: object, headers: Mapping[str, str] | None) -> Question:
    """Understand what the SDK hands on: a parsed JSON body, or bytes where the content type is not JSON's.

    Raises:
        InvalidInput: It is nothing that is taken; the message names the field.
    """
    if isinstance(payload, bytes):
        content_type = (headers or {}).get("content-type", "")
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type.startswith("audio/") or media_type == "application/ogg":
            return Question((EncodedRecording("body", payload),), DEFAULT_TOP_K)
        if media_type != "application/json":
            raise InvalidInput(f"Content-Type {content_type!r} is not taken: {_TAKEN}")
        payload = _parse_json(payload)
    if isinstance(payload, InferRequest):
        raise InvalidInput(f"V2 is not taken here, ask /v1/models/{payload.model_name}:predict: {_TAKEN}")
    if not isinstance(payload, dict):
        raise InvalidInput(f'body: an object with "instances" is needed, this is {_kind(payload)}; {_TAKEN}')
    try:
        request = PredictRequest.model_validate(payload)
    except ValidationError as error:
        raise InvalidInput(_sentence(error.errors(include_url=False, include_input=False)[0])) from error
    recordings = (
        EncodedRecording(f"instances[{i}].audio.b64", one.audio.b64) for i, one in enumerate(request.instances)
    )
    return Question(tuple(recordings), request.parameters.top_k)


def _parse_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"body: not JSON ({error})") from error


def _kind(value: object) -> str:
    names = {list: "a list", str: "text", bool: "a truth value", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def _sentence(fault: ErrorDetails) -> str:
    """`instances[1].audio.b64: is missing`."""
    field = ""
    for part in fault["loc"]:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else part
    message = _MESSAGES.get(fault["type"], fault["msg"])
    return f"{field or 'body'}: {message.format(**fault.get('ctx', {}))}"
