"""A wish to stop that a signal handler may express."""

from __future__ import annotations

import queue


class StopRequest:
    """Like `threading.Event`, but `set` may be called by a signal handler.

    An event's lock is not reentrant: a handler that sets the event while its own thread is about to wait for it waits
    for ever. `queue.SimpleQueue.put` is documented as reentrant.
    """

    def __init__(self) -> None:
        self._wishes: queue.SimpleQueue[None] = queue.SimpleQueue()

    def set(self) -> None:
        """Let everybody who waits go on, now and later."""
        self._wishes.put(None)

    def is_set(self) -> bool:
        """Whether it was."""
        return not self._wishes.empty()

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, or so long.

        Returns:
            Whether it is set.
        """
        try:
            self._wishes.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return False
        self._wishes.put(None)  # for all others who wait
        return True
