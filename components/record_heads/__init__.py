"""Complete the runs of heads in MLflow that are in no bundle which is registered."""

from components.record_heads.component import record_heads

__all__ = ["record_heads"]
