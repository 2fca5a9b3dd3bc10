"""Train one head from soft labels."""

from components.distill.component import distill

__all__ = ["distill"]
