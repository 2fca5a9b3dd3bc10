"""Read a source into a table of recordings."""

from components.ingest.component import ingest

__all__ = ["ingest"]
