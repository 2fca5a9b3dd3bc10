"""What the house has one of: looked for in the source, where a second one would be written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.metrics.model import _AUDIO
from silencio.audio import AUDIO_STATISTICS, WINDOW_STATISTICS
from silencio.prediction_log import SCHEMA

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def files() -> dict[str, ast.Module]:
    """Read by the tests that look, and not by every process that collects them."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for folder in ("src", "serving", "pipelines", "components", "monitoring")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def _replaces(name: str, call: ast.Call) -> bool:
    """A file or a folder takes another's place: `str.replace` takes two arguments, a table's `rename` keywords."""
    if name in ("os.rename", "os.replace", "os.renames", "shutil.move"):
        return True
    return name.endswith((".replace", ".rename")) and len(call.args) == 1 and not call.keywords


def test_files_and_folders__are_replaced_by_storage_alone(files: dict[str, ast.Module]) -> None:
    found = {file for file, tree in files.items() if any(_replaces(*one) for one in _calls(tree))}
    assert found == {"src/silencio/storage/atomic.py"}


def _imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_locks__are_those_of_filelock(files: dict[str, ast.Module]) -> None:
    found = {file for file, tree in files.items() if {"fcntl", "portalocker", "msvcrt"} & _imported(tree)}
    # A run's lock also tells who holds it, and whether the one before came to its end.
    # What serves has no filelock in its environment.
    serving = {f"serving/canary/{name}.py" for name in ("haproxy_route", "one_machine", "store")}
    assert found <= {"pipelines/local/lock.py"} | serving


@pytest.mark.parametrize(
    "name", ["sha256_of", "merge_windows", "audio_statistics", "window_starts", "Verdict", "Comparison"]
)
def test_what_is_one__is_defined_once(files: dict[str, ast.Module], name: str) -> None:
    found = [
        file
        for file, tree in files.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
    ]
    assert len(found) == 1, found


# Of each kind of statistic two, which stand in one list.
_PAIRS = ({"rms_db", "snr_db"}, {"rolloff_hz", "flatness"}, {"noise_floor_bands_db", "foreground_bands_db"})


def test_statistics__are_called_the_same_in_metrics_and_prediction_log(files: dict[str, ast.Module]) -> None:
    assert set(_AUDIO) <= set(AUDIO_STATISTICS)
    assert set(WINDOW_STATISTICS) <= set(SCHEMA.names)
    lists = [
        file
        for file, tree in files.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Tuple | ast.List | ast.Set)
        and any({getattr(one, "value", None) for one in node.elts} >= pair for pair in _PAIRS)
    ]
    assert lists == ["src/silencio/audio/statistics.py"] * len(_PAIRS)
