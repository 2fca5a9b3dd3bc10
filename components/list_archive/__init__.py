"""List an archive's files."""

from components.list_archive.component import list_archive

__all__ = ["list_archive"]
