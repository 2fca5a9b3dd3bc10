"""Graphs of steps. `silencio run|submit|compile|check|cluster|list`."""
