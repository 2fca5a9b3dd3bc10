"""The table of `registry list`: on a narrow terminal columns are left out, and no version is ever cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Column, Table

from silencio.registry.models import Version

# Of its 12 digits; enough to see whether two versions were evaluated on the same recordings.
_TEST_SET_DIGITS = 8
_BORDER_CELLS = 3
_CELLS: dict[str, Callable[[Version], str]] = {
    "version": lambda version: str(version.number),
    "alias": lambda version: ", ".join(version.aliases),
    "bundle": lambda version: version.bundle_version,
    "registered": lambda version: f"{version.registered:%Y-%m-%d %H:%M}",
    "macro mAP": lambda version: _metric(version, "macro_map"),
    "top-1": lambda version: _metric(version, "top1"),
    "recordings": lambda version: _n_recordings(version),
    "test set": lambda version: version.test_set[:_TEST_SET_DIGITS],
    "run": lambda version: version.run_id[:8],
}
_LEFT_OUT_FIRST = ("run", "registered")
# What people copy into the next command.
_NAMES = ("version", "bundle")


def versions_table(versions: Sequence[Version], width: int) -> Table:
    """A row a version: metrics beside the number and the name of the test recordings that they are of.

    Args:
        versions: Versions in the order of the rows.
        width: Cells that there are; what does not fit is left out, or folded where it is no version.
    """
    cells = {name: [cell(version) for version in versions] for name, cell in _CELLS.items()}
    for name in _LEFT_OUT_FIRST:
        if _width(cells) > width:
            del cells[name]
    columns = []
    for name, values in cells.items():
        is_name = name in _NAMES
        heading = "\n".join(name.split())
        columns.append(
            Column(heading, no_wrap=is_name, overflow="fold", min_width=_widest(values) if is_name else None)
        )
    table = Table(*columns)
    for row in zip(*cells.values(), strict=True):
        table.add_row(*row)
    return table


def _width(cells: dict[str, list[str]]) -> int:
    """Headings break between words."""
    return 1 + sum(max(_widest(values), _widest(name.split())) + _BORDER_CELLS for name, values in cells.items())


def _widest(values: Sequence[str]) -> int:
    return max(map(len, values), default=0)


def _metric(version: Version, name: str) -> str:
    value = version.metrics.get(f"test/{name}")
    return "" if value is None else f"{value:.3f}"


def _n_recordings(version: Version) -> str:
    value = version.metrics.get("test/n_recordings")
    return "" if value is None else f"{value:.0f}"
