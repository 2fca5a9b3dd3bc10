"""What the terminal shows of a run's steps."""

from __future__ import annotations

from rich.table import Table

from pipelines.local.log import StepTime
from pipelines.local.plan import PlannedStep
from pipelines.step_tables import plan_table, times_table


def _rows(table: Table) -> list[tuple[str, ...]]:
    return list(zip(*(list(map(str, column.cells)) for column in table.columns), strict=True))


def test_times__of_a_loop_are_one_row() -> None:
    times = [StepTime("split", 0.25, False), StepTime("part", 1.0, True), StepTime("part", 2.5, False)]
    table = times_table(times)
    assert _rows(table) == [("split", "0.2", ""), ("part, 2 parts", "3.5", "1 taken up")]
    assert table.title == "3 steps, 1 of them taken up"


def test_plan__of_a_loop_has_a_row_for_all_items_that_say_the_same() -> None:
    same, other = PlannedStep("part", "taken up", ""), PlannedStep("part", "runs", "its input is another")
    table = plan_table([same, same, other])
    assert _rows(table) == [("part, 2 parts", "taken up", ""), ("part", "runs", "its input is another")]
    assert table.title == "1 of 3 steps would run"
