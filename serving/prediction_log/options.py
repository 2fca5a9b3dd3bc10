"""The log's options on the command line of the transformer."""

from __future__ import annotations

import argparse

from serving.metrics.process import LOG_DROP_REASONS, count_log_dropped, count_log_written, expect_log
from serving.prediction_log.writer import PredictionLog


def add_prediction_log_options(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    group = parser.add_argument_group("prediction log")
    group.add_argument("--prediction_log", metavar="PLACE", help="folder or s3:// place; off without it")
    group.add_argument("--prediction_log_rows", type=int, default=5_000, help="rows a file (default: %(default)s)")
    group.add_argument(
        "--prediction_log_seconds", type=float, default=60.0, help="longest a row waits for its file (%(default)g)"
    )
    group.add_argument("--prediction_log_waiting", type=int, default=50_000, help="most rows in memory (%(default)s)")
    group.add_argument(
        "--coordinate_step_degrees",
        type=float,
        default=0.1,
        help="places are rounded to multiples of it, 0 keeps them as they come (default: %(default)g)",
    )


def prediction_log(options: argparse.Namespace) -> PredictionLog | None:
    """The log that the options ask for, counted in the metrics; None where they ask for none.

    Raises:
        ConfigError: Its place can never be written to.
    """
    if not options.prediction_log:
        return None
    expect_log()
    return PredictionLog(
        options.prediction_log,
        rows_per_file=options.prediction_log_rows,
        seconds_per_file=options.prediction_log_seconds,
        max_waiting_rows=options.prediction_log_waiting,
        coordinate_step_degrees=options.coordinate_step_degrees,
        on_written=count_log_written,
        on_dropped=_count_dropped,
    )


def _count_dropped(reason: str, n_rows: int) -> None:
    """What is dropped at the end is never scraped: the log's last line says it."""
    if reason in LOG_DROP_REASONS:
        count_log_dropped(reason, n_rows)
