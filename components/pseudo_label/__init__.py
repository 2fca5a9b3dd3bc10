"""Label recordings by the ensemble."""

from components.pseudo_label.component import pseudo_label

__all__ = ["pseudo_label"]
