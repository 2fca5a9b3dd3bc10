"""How a request to a transformer may fail; what is neither is a plain `ServingError`."""

from __future__ import annotations

import httpx

from silencio.errors import ServingError


class RefusedRecordingError(ServingError):
    """The server does not take this recording; it may well take others."""


class UnreachableError(ServingError):
    """No answer came: there is no server, the connection broke, or it took too long.

    Args:
        message: One sentence.
        cause: The HTTP library's error.
    """

    def __init__(self, message: str, cause: httpx.TransportError) -> None:
        super().__init__(message)
        self.cause = cause


class UntrustedServerError(ServingError):
    """The server's certificate is not taken, which no second attempt will change."""


class BusyError(ServingError):
    """The server has too much to do, is not ready, or the key's quota is used up: the same may be sent later.

    Args:
        message: The server's sentence.
        retry_after_s: Seconds until it is worth sending again, as the server says.
    """

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
