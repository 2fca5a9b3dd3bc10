"""Where this process runs: read from the environment once, never from a configuration file.

A setting says something about the machine (how many threads, where to cache); what is trained and how is a
configuration (`silencio.config`) and travels with the bundle.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from silencio.errors import ConfigError


def _whole(name: str, default: int, least: int = 1, old_name: str = "") -> int:
    if old_name in os.environ:
        raise ConfigError(f"{old_name} is called {name} now")
    text = os.environ.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()) or int(text) < least:
        raise ConfigError(f"{name}={text!r}: a whole number of at least {least} is needed")
    return int(text)


def _default_n_threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _default_cache() -> Path:
    if os.environ.get("SILENCIO_CACHE"):
        return Path(os.environ["SILENCIO_CACHE"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "silencio"


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Attributes:
        n_threads: Threads of one training or scoring process (`SILENCIO_THREADS`; default: the cores it may use).
        cache: Folder for what was fetched once (`SILENCIO_CACHE`; default: the user's cache folder).
        session_threads: Threads of one ONNX Runtime session (`SILENCIO_SESSION_THREADS`; default 1: two spinning
            threads on a busy two-core machine were measured up to 40 times slower than one).
        provider: On what the predictor runs a graph (`SILENCIO_PROVIDER`; default cpu; or openvino, cuda, tensorrt).
        n_workers: Runs of the graph that the predictor makes at once (`SILENCIO_WORKERS`; default: the cores it may
            use).
        max_batch_windows: Most windows of one such run, and so how long an urgent one may have to wait
            (`SILENCIO_MAX_BATCH_WINDOWS`; default 2: on a processor 1, 2, 4 and 8 windows were measured to take 6.7,
            6.2, 6.0 and 6.1 ms each of an int8 graph, and 16 ms each way of fp32; a GPU wants more).
        max_batch_delay_ms: How long a run that is not full waits for more (`SILENCIO_MAX_BATCH_DELAY_MS`; default 0:
            5 ms were measured to double the time of a single client, and to win nothing on a processor).
        max_queued_windows: Most windows of one priority that wait in the predictor before it refuses
            (`SILENCIO_MAX_QUEUED_WINDOWS`; default 256: two seconds of work for two cores, 120 MB).
        predictor_deadline_s: How long the transformer waits for the predictor, with every retry
            (`SILENCIO_PREDICTOR_DEADLINE_S`; default 30).
    """

    n_threads: int = field(default_factory=lambda: _whole("SILENCIO_THREADS", _default_n_threads()))
    cache: Path = field(default_factory=_default_cache)
    session_threads: int = field(default_factory=lambda: _whole("SILENCIO_SESSION_THREADS", 1))
    provider: str = field(default_factory=lambda: os.environ.get("SILENCIO_PROVIDER") or "cpu")
    n_workers: int = field(default_factory=lambda: _whole("SILENCIO_WORKERS", _default_n_threads()))
    max_batch_windows: int = field(
        default_factory=lambda: _whole("SILENCIO_MAX_BATCH_WINDOWS", 2, old_name="SILENCIO_MOST_BATCH_WINDOWS")
    )
    max_batch_delay_ms: int = field(
        default_factory=lambda: _whole("SILENCIO_MAX_BATCH_DELAY_MS", 0, least=0, old_name="SILENCIO_MOST_WAIT_MS")
    )
    max_queued_windows: int = field(
        default_factory=lambda: _whole("SILENCIO_MAX_QUEUED_WINDOWS", 256, old_name="SILENCIO_MOST_QUEUED_WINDOWS")
    )
    predictor_deadline_s: int = field(default_factory=lambda: _whole("SILENCIO_PREDICTOR_DEADLINE_S", 30))
