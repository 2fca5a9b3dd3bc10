"""The table of versions: whole where it must be, and as wide as there is room for."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from silencio.console import Console
from silencio.registry.listing import versions_table
from silencio.registry.models import Version

WHEN = datetime(2026, 11, 29, 15, 40, tzinfo=UTC)
METRICS = {"test/macro_map": 0.81, "test/top1": 0.75, "test/n_recordings": 24.0}
VERSIONS = [
    Version(12, "fc45f9d4fa12", ("challenger",), WHEN, "0a1b2c3d4e5f", METRICS, "3f2a9c1b0d4e"),
    Version(11, "1452e0a87c11", ("champion", "previous"), WHEN, "5e6f7a8b9c0d", METRICS | {"test/n_recordings": 30.0}),
]


def _shown(width: int) -> str:
    screen = io.StringIO()
    console = Console(file=screen)
    console.width = width
    console.print(versions_table(VERSIONS, console.width))
    return screen.getvalue()


@pytest.mark.parametrize("width", [40, 60, 72, 80, 100, 120, 200])
def test_version__is_never_cut_nor_folded(width: int) -> None:
    for version in VERSIONS:
        (line,) = [line for line in _shown(width).splitlines() if version.bundle_version in line]
        assert line.strip("\u2502 ").startswith(str(version.number))
    assert "\u2026" not in _shown(width)


def test_columns__at_eighty_cells_figures_stand_with_their_recordings() -> None:
    shown = _shown(80)
    (line,) = [line for line in shown.splitlines() if "fc45f9d4fa12" in line]
    for cell in ("challenger", "0.810", "0.750", "24", "3f2a9c1b"):
        assert cell in line
    assert "2026-11-29" not in shown


def test_columns__with_room_there_are_all() -> None:
    (line,) = [line for line in _shown(120).splitlines() if "1452e0a87c11" in line]
    for cell in ("champion, previous", "2026-11-29 15:40", "30", "5e6f7a8b"):
        assert cell in line


def test_columns__what_a_version_from_before_does_not_say_is_left_empty() -> None:
    old = Version(1, "0a87c1452e11", (), WHEN, "run", {})
    screen = io.StringIO()
    Console(file=screen, piped_cells=120).print(versions_table([old], 120))
    assert "nan" not in screen.getvalue() and "None" not in screen.getvalue()
