"""docs/prediction_log.md names every column of the log, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from silencio.features import FeatureSpec, WindowStatistics
from silencio.prediction_log import SCHEMA
from silencio.prediction_log.schema import FORMER_NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "prediction_log.md").read_text(encoding="utf-8")


def _named_in_first_cells(part: str) -> list[str]:
    cells = re.findall(r"^\| (`[^|]*`) \|", part, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def test_page__has_a_row_for_every_column_and_for_no_other() -> None:
    _, columns = PAGE.split("## Columns")
    assert sorted(_named_in_first_cells(columns)) == sorted(SCHEMA.names)


def test_page__names_the_columns_that_were_renamed() -> None:
    assert all(f"`{name}`" in PAGE.partition("## Columns")[0] for name in FORMER_NAMES.values())


def test_page__names_the_limits_of_the_bands() -> None:
    first, *others = (round(edge_hz) for edge_hz in WindowStatistics(FeatureSpec()).band_edges_hz)
    *middle, last = map(str, others)
    assert f"from {first} Hz to {', '.join(middle)} and {last} Hz" in " ".join(PAGE.split())
