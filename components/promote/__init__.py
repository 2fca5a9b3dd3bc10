"""Apply the gates and seal the bundle."""

from components.promote.component import promote

__all__ = ["promote"]
