"""Writes what was predicted, one row a window (`silencio.prediction_log`), to a folder or S3."""

from serving.prediction_log.writer import PredictionLog

__all__ = ["PredictionLog"]
