"""Silencio: wildlife recordings to species, one feature definition and one bundle from training to serving."""

import os

# Before anything loads OpenMP, which reads it once: its threads would spin while they wait for each other, and beside
# one other busy process on two cores an epoch would take several times as long. `make bench` has the figures.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from silencio.version import installed_version

    return installed_version()
