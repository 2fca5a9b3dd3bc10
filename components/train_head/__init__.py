"""Train one head."""

from components.train_head.component import train_head

__all__ = ["train_head"]
