"""reference.parquet: every validation window as sound, probabilities and labels.

It is what drift is measured against and what a release decision compares with: the last data of which it is known
that the model did well on them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from silencio.audio import window_starts_s
from silencio.bundle.manifest import PROBABILITY
from silencio.data.recordings import write_table
from silencio.data.shards import ShardSet
from silencio.features import FrontEnd, WindowStatistics
from silencio.taxonomy import ClassList


def write_reference(validation: ShardSet, probabilities: NDArray[np.floating], classes: ClassList, path: Path) -> None:
    """Write one row a window: `recording_id`, `start_s`, labels, statistics, and `p_<code>` for each species.

    Statistics are those of the prediction log, by the same names; those of bands are lists.

    Args:
        validation: The validation recordings.
        probabilities: The bundle's graph's predictions of their windows, (n_windows, n_classes).
        classes: What the columns mean.
        path: The Parquet file.
    """
    spec, front_end, statistics_of = validation.spec, FrontEnd(validation.spec), WindowStatistics(validation.spec)
    tables = []
    for index, waveform in enumerate(validation):
        row = validation.table.iloc[index]
        starts_s = window_starts_s(len(waveform), spec, spec.sample_rate_hz)
        facts = {"recording_id": row["recording_id"], "start_s": starts_s, "primary_label": row["primary_label"]}
        statistics = statistics_of(front_end.windows(waveform))
        table = pd.DataFrame(facts | {name: _as_column(values) for name, values in statistics.items()})
        table["secondary_labels"] = [list(row["secondary_labels"])] * len(table)
        tables.append(table)
    windows = pd.concat(tables, ignore_index=True)
    columns = [f"{PROBABILITY}{code}" for code in classes.codes]
    scores = pd.DataFrame(np.asarray(probabilities, np.float32), columns=columns)
    write_table(pd.concat([windows, scores], axis=1), path)


def _as_column(values: NDArray[np.float64]) -> list[float] | list[list[float]]:
    """Numbers, or where a window has several of them lists."""
    column: list[float] | list[list[float]] = values.tolist()
    return column
