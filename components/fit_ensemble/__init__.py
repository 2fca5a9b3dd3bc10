"""Fit the supervisor."""

from components.fuse.component import fuse

__all__ = ["fuse"]
