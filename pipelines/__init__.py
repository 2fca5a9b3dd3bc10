"""Graphs of steps. `python -m pipelines run|submit|compile|check|cluster|list`."""
