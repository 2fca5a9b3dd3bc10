"""Fitting heads and supervisors. Needs the `train` extra."""
