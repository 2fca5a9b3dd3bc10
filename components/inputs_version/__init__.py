"""Say which shards a part of the split has."""

from components.inputs_version.component import inputs_version

__all__ = ["inputs_version"]
