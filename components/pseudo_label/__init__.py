"""Label recordings by the ensemble."""

from components.label.component import label

__all__ = ["label"]
