"""ARCHITECTURE.md's table of rooms says which room imports which, and its text what import-linter holds."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
SERVING = [path.parent.name for path in sorted((ROOT / "serving").glob("*/__init__.py"))]
# Files of the library that every room may import: the table's first row.
SHARED = {path.stem for path in (ROOT / "src" / "silencio").glob("*.py")}


def _room(module: str) -> str:
    package, *rest = module.split(".")
    if package == "silencio":
        return rest[0] if rest else "shared"
    return f"serving/{rest[0]}" if package == "serving" and rest and rest[0] in SERVING else package


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """By room, the other rooms that its files import."""
    graph = grimp.build_graph("silencio", "components", "pipelines", "serving", cache_dir=None)
    found: dict[str, set[str]] = defaultdict(set)
    for module in graph.modules:
        rooms = {_room(other) for other in graph.find_modules_directly_imported_by(module)}
        found[_room(module)] |= rooms - {_room(module), "shared", *SHARED}
    return found


def _rows() -> dict[tuple[str, ...], set[str]]:
    table = TEXT.partition("| room | what is in it | imports |")[2].partition("\n\n")[0]
    rows = {}
    for line in table.splitlines()[2:]:
        names, _, listed = (cell.strip() for cell in line.strip("|").split("|"))
        rooms = [name.removeprefix("src/silencio/").removesuffix("/<step>") for name in re.findall(r"`([^`]+)`", names)]
        rows[tuple(rooms)] = {name.strip() for name in listed.split(",") if name.strip()}
    return rows


def test_rooms__every_one_has_its_row_and_what_it_imports_stands_there(imported: dict[str, set[str]]) -> None:
    rows = {room: listed for rooms, listed in _rows().items() for room in rooms if not room.startswith("{")}
    assert set(rows) >= {room for room in imported if room not in SHARED | {"shared"}}
    missing = {room: imported[room] - rows[room] for room in rows if imported[room] - rows[room]}
    assert missing == {}, "say in ARCHITECTURE.md that these rooms import those, or import them no more"


def test_rooms__what_stands_there_is_imported(imported: dict[str, set[str]]) -> None:
    for rooms, listed in _rows().items():
        if not rooms[0].startswith("{"):
            assert listed <= set().union(*(imported[room] for room in rooms)), rooms


def test_rooms__the_shared_files_are_those_that_there_are() -> None:
    (shared,) = (rooms[0] for rooms in _rows() if rooms[0].startswith("{"))
    assert set(shared.removeprefix("{").removesuffix("}.py").split(",")) == SHARED - {"__init__"}


def test_order__is_that_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    sentence = re.search(r"an order of the files in ([^.]*(?:\.export)[^.]*)\.", TEXT)
    assert sentence
    assert re.findall(r"`([^`]+)`", sentence.group(1)) == [layer.removeprefix("silencio.") for layer in layers]
