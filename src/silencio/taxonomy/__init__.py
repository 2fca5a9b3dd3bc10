"""Species: codes, names and taxon classes, in one order."""

from silencio.taxonomy.class_list import ClassList, Species
from silencio.taxonomy.names import clean_name, listed, name_key

__all__ = ["ClassList", "Species", "clean_name", "listed", "name_key"]
