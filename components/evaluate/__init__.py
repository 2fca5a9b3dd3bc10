"""Evaluate on the test recordings."""

from components.evaluate.component import evaluate

__all__ = ["evaluate"]
