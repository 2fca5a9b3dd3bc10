"""Apply the gates and seal the bundle."""

from components.apply_gates.component import apply_gates

__all__ = ["apply_gates"]
