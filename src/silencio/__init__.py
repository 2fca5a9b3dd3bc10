"""Silencio: wildlife recordings to species, one feature definition and one bundle from training to serving."""

import os
from importlib.metadata import PackageNotFoundError, version

# Before anything loads OpenMP, which reads it once: its threads would spin while they wait for each other, and beside
# one other busy process on two cores an epoch would take several times as long. `make bench` has the figures.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

try:
    __version__ = version("silencio")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+uninstalled"

__all__ = ["__version__"]
