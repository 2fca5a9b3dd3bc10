"""The one HTTP client of a transformer, for programs and for the commands. Nothing here needs KServe.

`options` is read without HTTPX: the client is imported when it is asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.client.client import Client
    from serving.client.errors import BusyError, RefusedRecordingError, UnreachableError, UntrustedServerError
    from serving.client.retry import RetryPolicy

__all__ = ["BusyError", "Client", "RefusedRecordingError", "RetryPolicy", "UnreachableError", "UntrustedServerError"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "Client":
        from serving.client.client import Client

        return Client
    if name == "RetryPolicy":
        from serving.client.retry import RetryPolicy

        return RetryPolicy
    from serving.client import errors

    return getattr(errors, name)
