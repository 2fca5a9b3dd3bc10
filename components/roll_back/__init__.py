"""Apply the gates and seal the bundle."""

from components.roll_back.component import roll_back

__all__ = ["roll_back"]
