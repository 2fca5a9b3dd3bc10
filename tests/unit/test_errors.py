"""The tree of errors is the one that is drawn."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import silencio
import silencio.errors
from silencio.errors import SilencioError

LINE = re.compile(r"^(?P<indent>[ │├└─]*)(?P<name>[A-Z]\w+)(?: +(?P<text>\S.*))?$")
CLASSES = {name: one for name, one in vars(silencio.errors).items() if inspect.isclass(one)}


def _drawn() -> dict[str, tuple[str | None, str]]:
    """Name to parent and description, as the docstring draws them."""
    drawn: dict[str, tuple[str | None, str]] = {}
    path: list[str] = []
    block = str(silencio.errors.__doc__).split("\n\n")[1]
    for line in block.splitlines():
        match = LINE.match(line)
        assert match is not None, f"no line of a tree: {line!r}"
        # Four characters a level, under an indentation of four.
        depth = len(match["indent"]) // 4 - 1
        del path[depth:]
        assert match["name"] not in drawn, f"{match['name']} is drawn twice"
        drawn[match["name"]] = (path[-1] if path else None, match["text"] or "")
        path.append(match["name"])
    return drawn


def test_tree__is_the_one_that_is_drawn() -> None:
    real = {name: None if one is SilencioError else one.__base__.__name__ for name, one in CLASSES.items()}
    assert {name: parent for name, (parent, _) in _drawn().items()} == real


def test_tree__describes_every_leaf() -> None:
    parents = {parent for parent, _ in _drawn().values()}
    assert [name for name, (_, text) in _drawn().items() if not text and name not in parents] == []


def test_tree__has_one_root() -> None:
    assert [name for name, (parent, _) in _drawn().items() if parent is None] == ["SilencioError"]
    assert SilencioError.__bases__ == (Exception,)


@pytest.mark.parametrize("name", CLASSES)
def test_error__says_what_it_is_and_takes_a_message(name: str) -> None:
    assert CLASSES[name].__doc__
    assert name.endswith("Error")
    assert issubclass(CLASSES[name], SilencioError)
    assert len(CLASSES[name].__bases__) == 1
    assert str(CLASSES[name]("what is wrong, and what to do")) == "what is wrong, and what to do"


def test_errors__are_defined_nowhere_else() -> None:
    elsewhere = []
    for path in Path(silencio.__path__[0]).rglob("*.py"):
        if path.name == "errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(
                re.search(r"(Error|Exception|Warning)$", ast.unparse(base)) for base in node.bases
            ):
                elsewhere.append(f"{path}:{node.lineno} {node.name}")
    assert elsewhere == []
