"""Apply the gates and seal the bundle."""

from components.canary_step.component import canary_step

__all__ = ["canary_step"]
