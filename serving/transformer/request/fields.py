"""The fields that all protocols share, checked in one place, and the sentence for a wrong one."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias, TypeVar

from kserve.errors import InvalidInput
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from serving.server.protocol import MAX_SESSION_CHARACTERS, Priority
from serving.server.recorder_ids import RECORDER_ID_PATTERN, RECORDER_ID_RULE
from silencio.audio import Truncated
from silencio.detections.documents import TopK
from silencio.detections.formats import FORMATS

# Pydantic lists them where another word is sent, and the OpenAPI document does.
if TYPE_CHECKING:
    Format: TypeAlias = str
else:
    Format = Literal[("json", *FORMATS)]
DEFAULT_TOP_K = 5
Model = TypeVar("Model", bound=BaseModel)
_MAX_TEXT_CHARACTERS = MAX_SESSION_CHARACTERS
# Messages for who sends JSON, by pydantic's type of fault.
_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field that is taken here",
    "model_type": "an object is needed",
    "list_type": "a list is needed",
    "string_type": "text is needed",
    "float_type": "a number is needed",
    "finite_number": "a finite number is needed",
    "string_pattern_mismatch": RECORDER_ID_RULE,  # of nothing else here
    "string_too_short": "is empty",
    "string_too_long": "at most {max_length} characters are taken",
    "too_short": "at least {min_length} is needed, there are {actual_length}",
    "too_long": "at most {max_length} are taken at once, there are {actual_length}",
    "greater_than_equal": "at least {ge:g} is needed",
    "less_than_equal": "at most {le:g} is needed",
    "literal_error": "one of {expected} is needed",
}


def _top_k(value: object) -> TopK:
    if value == "all":
        return "all"
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 1 and value == value // 1:
        return int(value)  # to JSON 5.0 is a whole number, too
    raise PydanticCustomError("top_k", 'a whole number of at least 1, or "all", is needed')


def _moment(value: object) -> datetime:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.replace("z", "Z"))
        except ValueError:
            pass
    raise PydanticCustomError("moment", "a time like 2025-03-21T05:40:00Z is needed")


def _printable(value: object) -> object:
    if isinstance(value, str) and not value.isprintable():
        # It stands in files with one line an entry, and in logs.
        raise PydanticCustomError("printable", "text without line breaks and control characters is needed")
    return value


_MOMENT_SCHEMA = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
_Text = Annotated[str, Field(min_length=1, max_length=_MAX_TEXT_CHARACTERS), BeforeValidator(_printable)]

_RecorderId = Annotated[str, Field(pattern=f"^{RECORDER_ID_PATTERN}$")]

_SESSION = TypeAdapter(_Text)
_RECORDER_ID = TypeAdapter(_RecorderId)


class Strict(BaseModel):
    """What is not named is refused, and nothing is guessed from another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class RecordingMetadata(Strict):
    """What a client may send with a recording.

    Attributes:
        name: Name of the file; the formats that name a file use it.
        latitude: Degrees north; together with longitude.
        longitude: Degrees east; together with latitude.
        recorded_at: ISO 8601; when the first sample was recorded.
        session_id: Ties recordings of one walk, stream or device together in the log.
        site_id: Where the recorder stands.
        device_id: Which recorder it is; where it is not named, the API key's name stands in the log.
    """

    name: _Text = "recording"
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    recorded_at: Annotated[datetime, PlainValidator(_moment, json_schema_input_type=_MOMENT_SCHEMA)] | None = None
    session_id: _Text | None = None
    site_id: _RecorderId | None = None
    device_id: _RecorderId | None = None

    @model_validator(mode="after")
    def _a_place_has_two_numbers(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise PydanticCustomError("place", "latitude and longitude are needed together")
        return self


class PredictOptions(Strict):
    """How to answer.

    Attributes:
        top_k: How many species a window lists at least; those that pass their threshold always are.
        format: Format of the answer.
        priority: Batch work waits for everybody else's.
        truncated: What becomes of a file that ends before its recording does: scored as far as it goes, with a note,
            or refused.
    """

    top_k: Annotated[
        TopK, PlainValidator(_top_k, json_schema_input_type=Annotated[int, Field(ge=1)] | Literal["all"])
    ] = DEFAULT_TOP_K
    format: Format = "json"
    priority: Priority = "interactive"
    truncated: Truncated = "note"


class LooseFields(RecordingMetadata, PredictOptions):
    """Both at once, for protocols whose options are one list of names."""


def from_text(fields: Mapping[str, str]) -> dict[str, object]:
    """Numbers that came as text, as numbers; what is none stays text and is refused as such."""
    values: dict[str, object] = dict(fields)
    for name, kinds in (("top_k", (float, int)), ("latitude", (float,)), ("longitude", (float,))):
        for kind in kinds:
            with contextlib.suppress(ValueError, KeyError):
                values[name] = kind(fields[name])
    return values


def session_of(text: str, place: str) -> str:
    """A session that stands outside of the body, by the same rules as one within.

    Args:
        text: Its id.
        place: Where it stands, for the message.

    Raises:
        InvalidInput: It is none.
    """
    return _valid(_SESSION, text, place)


def recorder_id_of(text: str, place: str) -> str:
    """A site's or recorder's id that stands outside of the body, by the same rules as one within.

    Args:
        text: The id.
        place: Where it stands, for the message.

    Raises:
        InvalidInput: It is none.
    """
    return _valid(_RECORDER_ID, text, place)


def _valid(kind: TypeAdapter[str], text: str, place: str) -> str:
    try:
        return kind.validate_python(text)
    except ValidationError as error:
        raise InvalidInput(sentence(error.errors(include_url=False, include_input=False)[0], place)) from error


def validated(model: type[Model], value: object, field: str = "") -> Model:
    """`value` as `model`.

    Raises:
        InvalidInput: It is not; the message names the field.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidInput(sentence(error.errors(include_url=False, include_input=False)[0], field)) from error


def sentence(fault: ErrorDetails, field: str = "") -> str:
    """`instances[1].audio.b64: is missing`."""
    for part in fault["loc"]:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else part
    message = _MESSAGES.get(fault["type"], fault["msg"])
    return f"{field or 'body'}: {message.format(**fault.get('ctx', {}))}"
