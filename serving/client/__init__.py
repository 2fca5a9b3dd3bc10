"""Ask a transformer by its address, from this machine or another. Nothing here needs KServe."""

from serving.client.client import BusyError, Client, RefusedRecordingError

__all__ = ["BusyError", "Client", "RefusedRecordingError"]
