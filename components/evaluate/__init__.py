"""Judge on the test set."""

from components.evaluate.component import evaluate

__all__ = ["evaluate"]
