"""Errors as KServe's two protocols want them: a status and a sentence, never internals."""

from __future__ import annotations

from kserve.errors import ModelNotReady, ServerNotReady


class NotReady(ModelNotReady):  # type: ignore[misc]  # kserve is untyped
    """The bundle is not loaded, was refused, or the server behind this one is not ready: 503.

    Args:
        model_name: As on the route.
        reason: Why.
    """

    def __init__(self, model_name: str, reason: str) -> None:
        super().__init__(model_name)
        self.error_msg = reason
        # The SDK's gRPC side reads `.reason`, which its own class lacks.
        self.reason = reason


class Unavailable(ServerNotReady):  # type: ignore[misc]  # kserve is untyped
    """The request cannot be answered now, and may be later: 503.

    Args:
        reason: Why.
    """

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.error_msg = reason
        self.reason = reason
