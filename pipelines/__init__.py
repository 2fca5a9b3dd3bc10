"""Graphs of steps. `python -m pipelines run|compile|list`."""
