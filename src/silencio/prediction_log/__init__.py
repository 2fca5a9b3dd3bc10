"""What was predicted, one row a window, in Parquet files in a folder or S3: the columns, and how they are read back.

Serving writes it (`serving.prediction_log`); releases, drift and feedback read it.
"""

from silencio.prediction_log.probabilities import probability_matrix
from silencio.prediction_log.reader import LogFollower, LogReader, answered, read_log
from silencio.prediction_log.rows import RecordingFacts, WindowRecord, prediction_id, window_records
from silencio.prediction_log.schema import SCHEMA

__all__ = [
    "SCHEMA",
    "LogFollower",
    "LogReader",
    "RecordingFacts",
    "WindowRecord",
    "answered",
    "prediction_id",
    "probability_matrix",
    "read_log",
    "window_records",
]
