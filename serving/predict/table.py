"""The answer as a table."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from silencio.detections import RecordingDocument, SpeciesEntry

_WHY_NOT = {"threshold": "below threshold", "location": "not at this place", "season": "not in this season"}


def recording_table(title: str, document: RecordingDocument) -> Table:
    """The table of one recording: a group of rows a window, the likeliest species first, detected ones in bold."""
    table = Table(title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("species")
    table.add_column("scientific name", style="italic")
    table.add_column("group")
    table.add_column("probability", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for window in document.windows:
        for i, one in enumerate(window.species):
            table.add_row(
                Text(f"{_clock(window.start_s)}-{_clock(window.end_s)}" if i == 0 else ""),
                Text(one.common_name, style="bold" if one.passes_threshold else ""),
                Text(one.scientific_name),
                Text(one.class_name),
                Text(f"{100 * one.probability:5.1f} %"),
                _verdict(one),
                end_section=i == len(window.species) - 1,
            )
    return table


def _verdict(one: SpeciesEntry) -> Text:
    return Text("named", style="bold green") if one.dropped_by is None else Text(_WHY_NOT[one.dropped_by], style="dim")


def _clock(seconds: float) -> str:
    """`1:05`, `1:02.5`; hundredths, for a last window may begin that soon after the one before it."""
    minutes, rest_s = divmod(seconds, 60)
    text = f"{rest_s:05.2f}".rstrip("0").removesuffix(".")
    return f"{int(minutes)}:{text}"
