"""The shards of an archive."""

from components.archive_shards.component import archive_shards

__all__ = ["archive_shards"]
