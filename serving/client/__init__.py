"""The one HTTP client of a transformer, for programs and for the commands. Nothing here needs KServe."""

from serving.client.client import Client
from serving.client.errors import BusyError, RefusedRecordingError, UnreachableError, UntrustedServerError
from serving.client.retry import RetryPolicy

__all__ = ["BusyError", "Client", "RefusedRecordingError", "RetryPolicy", "UnreachableError", "UntrustedServerError"]
