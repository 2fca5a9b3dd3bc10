"""How a process begins that works on jobs. Light: it is imported before what the jobs need."""

from __future__ import annotations

import multiprocessing
import os
import threading


def begin() -> None:
    """One thread, and an end with whoever started it."""
    os.environ["SILENCIO_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Who kills the command wants its two cores back: a job is not worth finishing that nobody waits for."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
