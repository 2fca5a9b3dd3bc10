"""What Prometheus is told on `/metrics`; docs/operating.md explains every name."""

from serving.metrics.model import Metrics

__all__ = ["Metrics"]
