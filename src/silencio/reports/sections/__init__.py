"""The report's sections, one file a subject; each is left out where nothing is known of it."""
