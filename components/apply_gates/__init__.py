"""Judge on the test set."""

from components.apply_gates.component import apply_gates

__all__ = ["apply_gates"]
