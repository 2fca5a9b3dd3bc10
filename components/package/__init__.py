"""Put a bundle where servers fetch it."""

from components.package.component import package

__all__ = ["package"]
