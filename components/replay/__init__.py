"""Apply the gates and seal the bundle."""

from components.replay.component import replay

__all__ = ["replay"]
