"""ARCHITECTURE.md's table of rooms is what import-linter holds, and nothing goes around import-linter."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS: list[dict[str, Any]] = PROJECT["tool"]["importlinter"]["contracts"]
ADAPTERS = ("components", "pipelines", "serving", "monitoring")
# Where a file is imported by the name that a configuration gives.
REGISTRIES = {"src/silencio/models/registry.py", "src/silencio/encoders/registry.py"}
# Of the top layer, which may import all: what steps need before they are forked, and every component for its table.
FROM_THE_TOP = {"fork_server.py", "component_table.py"}


def _contract(*containers: str) -> dict[str, Any]:
    (found,) = (one for one in CONTRACTS if one["type"] == "layers" and tuple(one.get("containers", ())) == containers)
    return found


def _layers(*containers: str) -> list[set[str]]:
    """Of the contract over these, from the top; rooms that need not be there are left out where they are not."""
    inside = "".join(f"{name}/" for name in containers)
    layers = [re.split("[|:]", layer) for layer in _contract(*containers)["layers"]]
    rooms = [{inside + room.strip(" ()") for room in layer if "(" not in room or _is_there(room)} for layer in layers]
    return [layer for layer in rooms if layer]


def _is_there(adapter: str) -> bool:
    """With code: a folder of configuration is no adapter."""
    return any((ROOT / adapter.strip(" ()")).rglob("*.py"))


def _table(heading: str) -> list[set[str]]:
    table = TEXT.partition(heading)[2].partition("\n\n")[0]
    return [set(re.findall(r"`([^`]+)`", line.split("|")[1])) for line in table.splitlines()[2:]]


def test_table__has_the_layers_of_the_contracts_from_the_top() -> None:
    *adapters, library = _layers()
    assert library == {"silencio"}
    assert _table("| rooms | what is in them |") == [*adapters, *_layers("silencio")]


def test_table__of_serving_has_the_layers_of_its_contract() -> None:
    assert _table("| rooms of `serving` | what is in them |") == _layers("serving")


@pytest.mark.parametrize("container", ["silencio", "serving"])
def test_contract__covers_every_room_without_exception(container: str) -> None:
    contract = _contract(container)
    assert contract["exhaustive"] is True
    assert "exhaustive_ignores" not in contract
    assert not any("(" in layer for layer in contract["layers"])


def test_contracts__have_no_exceptions() -> None:
    assert not any(one.get("ignore_imports") for one in CONTRACTS)


def test_checks__and_the_wheel_have_every_adapter() -> None:
    adapters, tool = {name for name in ADAPTERS if _is_there(name)}, PROJECT["tool"]
    assert set(tool["mypy"]["files"]) == {"src", "delivery", *adapters}
    assert set(tool["importlinter"]["root_packages"]) == {"silencio", *adapters}
    assert set(tool["hatch"]["build"]["targets"]["wheel"]["packages"]) == {"src/silencio", *adapters}


def _imports_by_string(path: Path) -> Iterator[tuple[int, str]]:
    """Line and argument of whatever imports a module by a string of this repository, or by one that is put together."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called not in ("import_module", "__import__", "run_module", "resolve_name"):
            continue
        name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        if not isinstance(name, str) or name.split(".")[0] in ("silencio", *ADAPTERS):
            yield node.lineno, ast.unparse(node.args[0])


def _sources() -> list[str]:
    files = [*(ROOT / "src").rglob("*.py"), *(file for name in ADAPTERS for file in (ROOT / name).rglob("*.py"))]
    return sorted(file.relative_to(ROOT).as_posix() for file in files)


def test_sources__import_no_room_by_a_string_but_for_the_registries() -> None:
    found = {name for name in _sources() if any(_imports_by_string(ROOT / name))}
    assert {name for name in found if Path(name).name not in FROM_THE_TOP} == REGISTRIES
    assert all(name.startswith("pipelines/") for name in found - REGISTRIES)


@pytest.mark.parametrize("name", sorted(REGISTRIES))
def test_registries__look_into_their_own_room_alone(name: str) -> None:
    (place,) = _imports_by_string(ROOT / name)
    own = Path(name).parent.relative_to("src").as_posix().replace("/", ".")
    assert f"{own}." in place[1] or "room.__name__" in place[1]
