"""Open the MLflow run of a pipeline run."""

from components.open_run.component import open_run

__all__ = ["open_run"]
