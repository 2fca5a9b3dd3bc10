"""Judge on the test part."""

from components.evaluate.component import evaluate

__all__ = ["evaluate"]
