"""Numbers for the tour operator and the ecologist: the log is read, tables, pages and archives are written."""
