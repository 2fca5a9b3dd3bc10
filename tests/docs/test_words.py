"""The house speaks the field's words: a short list of our own dialect may not come back as a name in code or settings.

Names above all: sentences may stay warm, but for a few words that stood for a technical term. `most`, `least` and
`longest` are limits by other words (`max_…`, `min_…`, `…_timeout_s`); data do not speak (`predictions`, not `said`) and
are not heard; a model is evaluated, not judged.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

HOUSE = Path(__file__).parents[2]
# Folders whose names are held.
HELD = ("src/silencio", "serving", "benchmarks", "components", "pipelines", "delivery", "scripts")
FORBIDDEN = {
    "asked",
    "fuse",
    "fused",
    "fusion",
    "hear",
    "heard",
    "hearing",
    "judge",
    "judged",
    "judges",
    "least",
    "longest",
    "most",
    "objections",
    "refusals",
    "said",
    "says",
    "shortest",
    "surroundings",
    "taught",
    "teach",
    "told",
}
# Others' names, and words that are no limit.
ALLOWED = {"most_common", "most_probable", "at_least"}
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])")
# An option, an environment variable or a key in a text: what users type.
_TYPED = re.compile(r"--[a-z][a-z0-9_-]*|\bSILENCIO_[A-Z0-9_]+")

# In sentences: a model is evaluated and takes inputs, heads are combined. Animals may be heard.
_DIALECT = re.compile(
    r"\b(?:judged|hears|fused?|unasked|(?:says|said) of (?:a|each|every|the) (?:recording|window)s?)\b"
)
_QUOTED = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)

_NAMELESS = re.compile(
    r" {4,16}\*{0,2}\w+: (Of|Whose|Whom|Likewise|Itself|Theirs|As given|As above|[A-Z][a-z]+ which)\b"
)


def forbidden_in(name: str) -> set[str]:
    """Words of a name that may not come back.

    Args:
        name: An identifier, an option, an environment variable or a YAML key.
    """
    return set() if name in ALLOWED else {one.lower() for one in _WORD.findall(name)} & FORBIDDEN


@cache
def python_files() -> list[Path]:
    return [path for folder in HELD for path in sorted((HOUSE / folder).rglob("*.py"))]


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name in Python source, with its line; names inside f-strings as well."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.Name():
                yield node.lineno, node.id
            case ast.Attribute():
                yield node.lineno, node.attr
            case ast.arg():
                yield node.lineno, node.arg
            case ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.alias():
                yield from ((node.lineno, part) for part in (*node.name.split("."), node.asname or ""))


def typed_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Options and environment variables in the texts of Python source, with their lines.

    The keys of a mapping are left out: there an old name stands beside the one that its message names.
    """
    keys = {id(key) for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in keys:
            yield from ((node.lineno, name) for name in _TYPED.findall(node.value))


def names_of(path: Path) -> Iterator[tuple[int, str]]:
    """What a file's reader or user meets as names, with their lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from identifiers(tree)
    yield from typed_names(tree)


def keys(value: object) -> Iterator[str]:
    """Every key of nested mappings that is a setting's name; labels such as `majority class` are none."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, str) and key.isidentifier():
                yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """Comments and docstrings of Python source, without what stands in backticks, with their lines."""
    tree = ast.parse(source)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], _QUOTED.sub("", token.string)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield node.body[0].lineno, _QUOTED.sub("", text)


def nameless_lines(source: str) -> Iterator[tuple[int, str]]:
    """Lines of docstrings that say of an attribute or argument no more than whose it is, with their numbers."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            first = node.body[0]
            for number in range(first.lineno, (first.end_lineno or first.lineno) + 1):
                if _NAMELESS.match(lines[number - 1]):
                    yield number, lines[number - 1].strip()


@pytest.mark.parametrize("name", ["most_requests", "longest_s", "HeardRecording", "_LEAST", "--most-rows", "was_said"])
def test_forbidden__is_found_in_every_spelling(name: str) -> None:
    assert forbidden_in(name)


@pytest.mark.parametrize("name", ["max_requests", "most_common", "at_least", "almost", "ToldstoneError", "teacher"])
def test_forbidden__leaves_others_words_alone(name: str) -> None:
    assert not forbidden_in(name)


def test_identifiers__are_seen_in_texts_too() -> None:
    assert {name for _, name in identifiers(ast.parse('print(f"{most_rows} of {table.heard}")'))} >= {
        "most_rows",
        "heard",
    }
    assert [name for _, name in typed_names(ast.parse('add("--most_rows", env="SILENCIO_MOST_ROWS")'))] == [
        "--most_rows",
        "SILENCIO_MOST_ROWS",
    ]
    # A table of old names and new ones is how an old name is refused.
    assert [name for _, name in typed_names(ast.parse('RENAMED = {"--most_rows": "--max_rows"}'))] == ["--max_rows"]


def test_code__names_are_the_fields() -> None:
    assert len(python_files()) > 200
    wrong = [
        f"{path.relative_to(HOUSE)}:{line}: {name}"
        for path in python_files()
        for line, name in names_of(path)
        if forbidden_in(name)
    ]
    assert not wrong, "\n".join(sorted(set(wrong)))


def test_sentences__our_words_are_found_in_comments_and_docstrings_alone() -> None:
    source = '"""What is judged."""\nx = "judged"  # `judged` is a key; a head hears it\n'
    assert [(line, _DIALECT.findall(text)) for line, text in sentences(source)] == [(2, ["hears"]), (1, ["judged"])]
    assert not _DIALECT.findall("what the listener said, heard by a judge; what is said of the server")


def test_sentences__of_the_code_are_the_fields() -> None:
    wrong = [
        f"{path.relative_to(HOUSE)}:{line}: {word}"
        for path in python_files()
        for line, text in sentences(path.read_text(encoding="utf-8"))
        for word in _DIALECT.findall(text)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "page", [*sorted((HOUSE / "docs").glob("*.md")), HOUSE / "README.md", HOUSE / "ARCHITECTURE.md"]
)
def test_sentences__of_the_pages_are_the_fields(page: Path) -> None:
    assert not _DIALECT.findall(_QUOTED.sub("", page.read_text(encoding="utf-8")))


def test_docstrings__a_line_without_a_noun_is_found() -> None:
    made = 'class Clip:\n    """A clip.\n\n    Attributes:\n        code: {}\n    """\n'
    for nameless in ("Likewise.", "Of the species.", "Whose call it is.", "At which it is cut."):
        assert list(nameless_lines(made.format(nameless))) == [(5, f"code: {nameless}")]
    assert not list(nameless_lines(made.format("Species code.")))


def test_docstrings__every_line_has_a_noun() -> None:
    wrong = [
        f"{path.relative_to(HOUSE)}:{line}: {text}"
        for path in python_files()
        for line, text in nameless_lines(path.read_text(encoding="utf-8"))
    ]
    assert not wrong, "\n".join(wrong)


def test_modules__names_are_the_fields() -> None:
    wrong = [path for path in python_files() if forbidden_in(path.stem) or forbidden_in(path.parent.name)]
    assert not wrong


def test_presets__keys_are_the_fields() -> None:
    files = sorted((HOUSE / "src/silencio/presets").rglob("*.yaml")) + sorted((HOUSE / "benchmarks").rglob("*.yaml"))
    assert files
    wrong = [
        f"{path.relative_to(HOUSE)}: {key}"
        for path in files
        for key in keys(yaml.safe_load(path.read_text(encoding="utf-8")))
        if forbidden_in(key)
    ]
    assert not wrong
