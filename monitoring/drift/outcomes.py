"""How `silencio drift run` ends, so that a scheduler can tell what to do."""

from __future__ import annotations

from silencio.errors import DataError

# Beside those of every command (silencio.command): 1 is a place that is away or a full disk, worth another try.
NO_ALERT, WRONG_INPUT, NO_DATA, NO_REFERENCE, NOT_DELIVERED, ALERT = 0, 2, 3, 4, 5, 10


class NoDataError(DataError):
    """A day of which the log has nothing that can be used: nothing was written."""
