"""Recordings: where they come from, whether they can be used, which part of the split they are in."""
