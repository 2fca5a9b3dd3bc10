"""One judgement: what a person found about one species in one window."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

Verdict = Literal["present", "absent", "unsure", "bad_audio"]
Role = Literal["app", "reviewer", "admin"]

# Every species that was detected in the window, and one that nobody could name.
ANY_SPECIES, UNKNOWN_SPECIES = "*", "?"
MAX_COMMENT_CHARACTERS = 2000
_TIME = pa.timestamp("us", tz="UTC")

JUDGEMENT_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("detection_or_window_id", pa.string(), nullable=False),
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("window_index", pa.int32(), nullable=False),
        pa.field("species_code", pa.string(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("complete", pa.bool_(), nullable=False),
        pa.field("replaces_id", pa.string()),
        pa.field("reviewer_key", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        pa.field("bundle_sha256", pa.string()),
        pa.field("seen_probability", pa.float32()),
        pa.field("seen_blind", pa.bool_(), nullable=False),
        pa.field("comment", pa.string(), nullable=False),
        pa.field("created_at", _TIME, nullable=False),
        pa.field("client_id", pa.string()),
    ]
)


def window_id(prediction_id: str, window_index: int) -> str:
    """The name of a window: whoever has the prediction log or an answer can make it.

    Args:
        prediction_id: The server's own, one a recording.
        window_index: The window's place in the recording, by its start, from 0.
    """
    return f"{prediction_id}:{window_index}"


def _plain(text: str) -> str:
    """Composed characters (NFC), and none that steers a terminal or a page."""
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in text):
        raise ValueError("a comment has a control character: send plain text")
    return unicodedata.normalize("NFC", text)


Identifier = Annotated[str, Field(min_length=1, max_length=200)]


class Judgement(BaseModel):
    """What a person found about one species in one window; rows are added and never changed.

    Attributes:
        id: Identifier of the row.
        detection_or_window_id: What was looked at, as `window_id` makes it.
        request_id: The server's own of the prediction's request.
        window_index: The window's place in its recording, from 0.
        species_code: Code; `*` is every species that was detected there, `?` one that the reviewer cannot name.
        verdict: `present`, `absent`, `unsure`, or `bad_audio` where nothing can be told of the window.
        complete: Everything in the window is labelled: the only thing that makes a species without a row absent.
        replaces_id: Row that no longer holds.
        reviewer_key: Name of the reviewer's key.
        role: What the key's holder may do.
        bundle_sha256: Manifest of the bundle whose prediction was looked at.
        seen_probability: Probability that was shown; null where it was not.
        seen_blind: The reviewer did not see what the model found.
        comment: Plain text.
        created_at: When; with a time zone.
        client_id: The client's own identifier, where it sent one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    id: Identifier
    detection_or_window_id: Identifier
    request_id: Identifier
    window_index: int = Field(ge=0)
    species_code: Identifier
    verdict: Verdict
    complete: bool = False
    replaces_id: Identifier | None = None
    reviewer_key: Identifier
    role: Role
    bundle_sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    seen_probability: float | None = Field(None, ge=0, le=1)
    seen_blind: bool = False
    comment: Annotated[str, Field(max_length=MAX_COMMENT_CHARACTERS), AfterValidator(_plain)] = ""
    created_at: AwareDatetime
    client_id: str | None = Field(None, max_length=200)

    @model_validator(mode="after")
    def _holds_together(self) -> Judgement:
        if self.verdict == "bad_audio" and self.species_code != ANY_SPECIES:
            raise ValueError(f"bad_audio is of the whole window: species_code must be '*', not {self.species_code!r}")
        if self.species_code == UNKNOWN_SPECIES and (self.verdict != "present" or self.complete):
            raise ValueError("'?' is something else that is present: verdict must be present, and complete false")
        if self.replaces_id == self.id:
            raise ValueError(f"{self.id} replaces itself")
        return self
