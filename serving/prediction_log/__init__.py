"""What was asked and answered, one row a window, in Parquet files in a folder or S3."""

from serving.prediction_log.reader import read_log
from serving.prediction_log.records import SCHEMA, RecordingFacts, WindowRecord, window_records
from serving.prediction_log.writer import PredictionLog

__all__ = ["SCHEMA", "PredictionLog", "RecordingFacts", "WindowRecord", "read_log", "window_records"]
