"""Where this process runs: read from the environment once, never from a configuration file.

A setting says something about the machine (how many threads, where to cache); what is trained and how is a
configuration (`silencio.config`) and travels with the bundle.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from silencio.errors import ConfigError


def _positive_int(name: str, default: int) -> int:
    text = os.environ.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise ConfigError(f"{name}={text!r}: a whole number of at least 1 is needed")
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
    """

    n_threads: int = field(default_factory=lambda: _positive_int("SILENCIO_THREADS", _default_n_threads()))
    cache: Path = field(default_factory=_default_cache)
    session_threads: int = field(default_factory=lambda: _positive_int("SILENCIO_SESSION_THREADS", 1))
