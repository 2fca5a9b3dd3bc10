"""Errors for KServe's two protocols: a status and a sentence, never internals."""

from __future__ import annotations

from kserve.errors import ModelNotFound, ModelNotReady, ServerNotReady

_RETRY_AFTER_S = 1


class NotReady(ModelNotReady):  # type: ignore[misc]  # kserve is untyped
    """The bundle is not loaded, was refused, or the server behind this one is not ready: 503.

    Args:
        model_name: The model's name on the route.
        reason: One sentence for the client.
    """

    def __init__(self, model_name: str, reason: str) -> None:
        super().__init__(model_name)
        self.error_msg = reason
        # The SDK's gRPC side reads `.reason`, which its own class lacks.
        self.reason = reason


class VersionNotFound(ModelNotFound):  # type: ignore[misc]  # kserve is untyped
    """The model is there, in another version: 404, over gRPC NOT_FOUND.

    Args:
        model_name: The model's name on the route.
        requested: The version on the route.
        served: The version that is served.
    """

    def __init__(self, model_name: str, requested: str, served: str) -> None:
        super().__init__(model_name)
        self.reason = f"{model_name} has no version {requested[:100]!r} here: this is version {served!r}"


class Unavailable(ServerNotReady):  # type: ignore[misc]  # kserve is untyped
    """The request cannot be answered now, and may be later: 503, over gRPC UNAVAILABLE.

    Args:
        reason: One sentence for the client.
        retry_after_s: Seconds until it is worth sending again.
    """

    def __init__(self, reason: str, retry_after_s: int = _RETRY_AFTER_S) -> None:
        super().__init__()
        self.error_msg = reason
        self.reason = reason
        self.retry_after_s = retry_after_s


class Overloaded(Unavailable):
    """Too much is being done already: 503, over gRPC RESOURCE_EXHAUSTED, which no client retries by itself."""


class RefusalError(Exception):
    """A REST answer that is given in place of the application's.

    Args:
        status: HTTP's status.
        text: One sentence for the client.
        headers: The answer's headers; `_` stands for `-`.
    """

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
