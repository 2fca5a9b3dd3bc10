"""What a request is called, in every line of the log, to the model, and in the answer."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Self

from serving.server.protocol import OWN_REQUEST_ID

REQUEST_ID = "x-request-id"
_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


@dataclass(frozen=True)
class RequestIds:
    """What a request is called.

    Attributes:
        own: New for every request: a client that could choose it could have its rows taken for another's.
        offered: The client's own; empty where it has none that fits into a line of a log.
    """

    own: str
    offered: str

    @classmethod
    def of(cls, offered: str) -> Self:
        """A new one, beside what the client says."""
        return cls(uuid.uuid4().hex, offered if _SANE_REQUEST_ID.fullmatch(offered) else "")

    def headers(self) -> dict[str, str]:
        """For the model, and for the answer: a client finds its own again where it wrote it."""
        return {REQUEST_ID: self.offered or self.own, OWN_REQUEST_ID: self.own}

    def __str__(self) -> str:
        """As lines of the log have it."""
        return f"{self.own} ({self.offered})" if self.offered else self.own
