"""What the terminal shows of a run's steps: those that would run, and how long those that ran took."""

from __future__ import annotations

from collections import Counter

from rich.table import Table

from pipelines.local.log import StepTime
from pipelines.local.plan import PlannedStep


def plan_table(planned: list[PlannedStep]) -> Table:
    """A row a step; a loop's step has one row for all its items that have the same to say."""
    n_run = sum(step.what == "runs" for step in planned)
    table = Table("step", "what", "why", title=f"{n_run} of {len(planned)} steps would run")
    counts = Counter(planned)
    for step, count in counts.items():
        table.add_row(step.step if count == 1 else f"{step.step}, {count} parts", step.what, step.why)
    return table


def times_table(times: list[StepTime]) -> Table:
    """A row a step; a loop's step has one row for all its items."""
    taken_up = sum(step.taken_up for step in times)
    title = f"{len(times)} steps" + (f", {taken_up} of them taken up" if taken_up else "")
    table = Table("step", "s", "", title=title)
    by_name: dict[str, list[StepTime]] = {}
    for step in times:
        by_name.setdefault(step.step, []).append(step)
    for name, parts in by_name.items():
        n_taken_up = sum(part.taken_up for part in parts)
        what = "" if not n_taken_up else "taken up" if n_taken_up == len(parts) else f"{n_taken_up} taken up"
        label = name if len(parts) == 1 else f"{name}, {len(parts)} parts"
        table.add_row(label, f"{sum(part.seconds for part in parts):.1f}", what)
    return table
