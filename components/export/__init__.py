"""Write the bundle."""

from components.export.component import export

__all__ = ["export"]
