"""Train one head from soft labels."""

from components.teach.component import teach

__all__ = ["teach"]
