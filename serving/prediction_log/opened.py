"""The log that the settings ask for."""

from __future__ import annotations

from serving.metrics.process import LOG_DROP_REASONS, count_log_dropped, count_log_written, expect_log
from serving.prediction_log.writer import PredictionLog
from serving.settings.prediction_log import PredictionLogSettings


def open_prediction_log(settings: PredictionLogSettings) -> PredictionLog | None:
    """The log that the settings ask for, counted in the metrics; None where they ask for none.

    Raises:
        ConfigError: Its place can never be written to.
    """
    if not settings.prediction_log:
        return None
    expect_log()
    return PredictionLog(
        settings.prediction_log,
        rows_per_file=settings.prediction_log_rows,
        seconds_per_file=settings.prediction_log_seconds,
        max_waiting_rows=settings.prediction_log_waiting,
        coordinate_step_degrees=settings.coordinate_step_degrees,
        on_written=count_log_written,
        on_dropped=_count_dropped,
    )


def _count_dropped(reason: str, n_rows: int) -> None:
    """What is dropped at the end is never scraped: the log's last line says it."""
    if reason in LOG_DROP_REASONS:
        count_log_dropped(reason, n_rows)
