"""Apply the gates and seal the bundle."""

from components.stage.component import stage

__all__ = ["stage"]
