"""Metrics for Prometheus at `/metrics`; docs/operating.md explains every name."""

from serving.metrics.model import REQUEST_STAGES, RUN_STAGES, Metrics

__all__ = ["REQUEST_STAGES", "RUN_STAGES", "Metrics"]
