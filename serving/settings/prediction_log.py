"""Settings of the prediction log."""

from __future__ import annotations

from typing import Annotated

from serving.settings import Option, ServingSettings
from silencio.settings import Text, at_least, whole

_LOG = "prediction log"


class PredictionLogSettings(ServingSettings):
    """Settings of the prediction log, which the transformer writes.

    Attributes:
        prediction_log: Folder or s3:// place (docs/prediction_log.md); off without it.
        prediction_log_rows: Rows a file.
        prediction_log_seconds: Longest a row waits for its file.
        prediction_log_waiting: Most rows in memory.
        coordinate_step_degrees: Places are rounded to multiples of it in the log, 0 keeps them as they come.
    """

    prediction_log: Annotated[Text | None, Option(_LOG, "PLACE")] = None
    prediction_log_rows: Annotated[int, whole(1), Option(_LOG)] = 5_000
    prediction_log_seconds: Annotated[float, at_least(0), Option(_LOG, "SECONDS")] = 60.0
    prediction_log_waiting: Annotated[int, whole(1), Option(_LOG)] = 50_000
    coordinate_step_degrees: Annotated[float, at_least(0), Option(_LOG, "DEGREES")] = 0.1
