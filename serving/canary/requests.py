"""What a person asks of a release while the judge holds the lease: written down, and done at its next look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

Command = Literal["pause", "resume", "approve", "advance", "rollback", "promote", "abort"]


class Request(BaseModel):
    """One command of a person.

    Attributes:
        command: What is to be done.
        by: Who asks.
        reason: Why.
        release_id: The release that was meant: a later one is not touched by it.
        written_at: ISO 8601, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: Command
    by: str
    reason: str = ""
    release_id: str
    written_at: str


class RequestBox(Protocol):
    """Where requests lie until the judge has done them."""

    def put(self, request: Request) -> None:
        """Leave a request."""

    def pending(self) -> Sequence[Request]:
        """Those that are not done yet, the first first."""

    def remove(self, request: Request) -> None:
        """It was done; one that is gone already is no error."""
