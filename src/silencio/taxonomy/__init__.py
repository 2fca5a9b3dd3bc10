"""Species: codes, names and taxon classes, in one order."""

from silencio.taxonomy.class_list import ClassList, Species

__all__ = ["ClassList", "Species"]
