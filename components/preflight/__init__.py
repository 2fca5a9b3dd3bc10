"""Whether every head can be made as configured."""

from components.preflight.component import preflight

__all__ = ["preflight"]
