"""Record a run in MLflow and register its bundle."""

from components.register.component import register

__all__ = ["register"]
