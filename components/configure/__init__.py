"""The configuration, taken apart by the steps that read it."""

from components.configure.component import configure

__all__ = ["configure"]
