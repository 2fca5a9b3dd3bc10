"""Ids of a request, in every line of the log, for the model, and in the answer."""

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
    """The ids of one request.

    Attributes:
        own: The server's id, new for every request: one that a client chose could be another request's.
        offered: The client's id; empty where it has none that fits into a line of a log.
    """

    own: str
    offered: str

    @classmethod
    def of(cls, offered: str, own: str = "") -> Self:
        """The client's id, beside a new one, or the one that a request had where it was answered first."""
        return cls(own or uuid.uuid4().hex, offered if _SANE_REQUEST_ID.fullmatch(offered) else "")

    def headers(self) -> dict[str, str]:
        """Headers for the model and the answer: a client finds its own id again where it wrote it."""
        return {REQUEST_ID: self.offered or self.own, OWN_REQUEST_ID: self.own}

    def __str__(self) -> str:
        """The ids as lines of the log have them."""
        return f"{self.own} ({self.offered})" if self.offered else self.own
