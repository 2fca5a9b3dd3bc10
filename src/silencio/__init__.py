"""Silencio: wildlife recordings to species, one feature definition and one bundle from training to serving."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("silencio")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+uninstalled"

__all__ = ["__version__"]
