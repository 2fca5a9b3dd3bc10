"""Look at one day of the prediction log."""

from components.drift.component import drift

__all__ = ["drift"]
