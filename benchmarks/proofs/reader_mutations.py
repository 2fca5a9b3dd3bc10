"""Mutation testing of the reader of recordings: each rule is made wrong in one place, and its tests must notice.

A mutant is one changed comparison, operator, number or condition of `silencio.audio`. It is killed when
`tests/unit/audio` fails on it, or does not end within its processor time. What survives is listed with its line: some
mutants change nothing that can be seen (a size of a buffer).
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.abc
import importlib.util
import multiprocessing
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

from benchmarks.proofs.units import Units
from silencio.errors import PipelineError

_ROOT = Path(__file__).resolve().parents[2]
_AUDIO = _ROOT / "src" / "silencio" / "audio"
_MODULES = (
    *sorted(path for path in (_AUDIO / "containers").glob("*.py") if path.name != "__init__.py"),
    _AUDIO / "mixing.py",
    _AUDIO / "recording.py",
    _AUDIO / "decode.py",
)
_TESTS = ("tests/unit/audio",)
# Spread evenly over a module.
_MAX_MUTANTS = 10
_MAX_PROCESSOR_S = 120
# What silencio's tests import of others: loaded once, so that a mutant's process has its own modules to load alone.
_OTHERS = (
    "silencio.models",  # without which torchvision, and with it lightning and timm, may not load
    *("numpy", "scipy.signal", "soundfile", "soxr", "pandas", "pydantic", "torch", "lightning", "timm", "onnx"),
    *("onnxruntime", "sklearn.linear_model", "hypothesis", "pytest", "tqdm", "yaml", "pyarrow.parquet", "pandera"),
)
# It declares what torch takes once only.
_KEPT = "silencio.models.torchvision_operators"
_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}


def prove(units: Units) -> dict[str, Any]:
    """How many mutants of each module were killed, and which survived."""
    modules = {}
    for path in tqdm(_MODULES, desc="modules", unit="module"):
        name = path.relative_to(_AUDIO).with_suffix("").as_posix().replace("/", "-")
        source = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
        modules[name] = units.do(f"{name}-{source}-{_MAX_MUTANTS}", lambda path=path: _judge(path))
    n_mutants = sum(one["n_mutants"] for one in modules.values())
    n_killed = sum(one["n_killed"] for one in modules.values())
    return {"n_mutants": n_mutants, "n_killed": n_killed, "killed_share": n_killed / n_mutants, "modules": modules}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Every mutant of a module: what was changed, with its line, and the changed source."""
    for number in range(len(_places(ast.parse(source)))):
        tree = ast.parse(source)
        line, what, change = _places(tree)[number]
        change()
        yield f"line {line}: {what}", ast.unparse(ast.fix_missing_locations(tree))


def _places(tree: ast.Module) -> list[tuple[int, str, Any]]:
    found: list[tuple[int, str, Any]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for i, operator in enumerate(node.ops):
                if swapped := _SWAPS.get(type(operator)):
                    found.append((node.lineno, _named(operator, swapped), _set(node.ops, i, swapped())))
        elif isinstance(node, ast.BoolOp | ast.BinOp):
            swapped = _SWAPS.get(type(node.op))
            if swapped and not _is_text(node):
                found.append((node.lineno, _named(node.op, swapped), _set_attribute(node, "op", swapped())))
        elif isinstance(node, ast.If | ast.While | ast.IfExp):
            turned = ast.UnaryOp(ast.Not(), node.test)
            found.append((node.lineno, "condition turned", _set_attribute(node, "test", turned)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
            found.append(
                (node.lineno, f"{node.value} to {node.value + 1}", _set_attribute(node, "value", node.value + 1))
            )
    return sorted(found, key=lambda one: one[0])


def _is_text(node: ast.BoolOp | ast.BinOp) -> bool:
    return any(isinstance(one, ast.JoinedStr) or (isinstance(one, ast.Constant) and isinstance(one.value, str)) for one in ast.walk(node))  # noqa: E501  # fmt: skip


def _named(before: ast.AST, after: type[ast.AST]) -> str:
    return f"{type(before).__name__} to {after.__name__}"


def _set(items: list[Any], i: int, value: Any) -> Any:
    return lambda: items.__setitem__(i, value)


def _set_attribute(node: ast.AST, name: str, value: Any) -> Any:
    return lambda: setattr(node, name, value)


def _judge(path: Path) -> dict[str, Any]:
    for name in _OTHERS:
        importlib.import_module(name)
    source = path.read_text(encoding="utf-8")
    module = "silencio.audio." + path.relative_to(_AUDIO).with_suffix("").as_posix().replace("/", ".")
    if not _survives(module, path, ast.unparse(ast.parse(source))):
        raise PipelineError(f"the tests fail on {module} as it is: there is nothing to prove before they pass")
    every = list(mutants(source))
    step = max(1, -(-len(every) // _MAX_MUTANTS))
    chosen = every[::step]
    survivors = [what for what, source in tqdm(chosen, desc=module, unit="mutant") if _survives(module, path, source)]
    return {
        "n_places": len(every),
        "n_mutants": len(chosen),
        "n_killed": len(chosen) - len(survivors),
        "survivors": survivors,
    }


def _survives(module: str, path: Path, source: str) -> bool:
    process = multiprocessing.get_context("fork").Process(target=_run_tests, args=(module, path, source))
    process.start()
    process.join()
    return process.exitcode == 0


def _run_tests(module: str, path: Path, source: str) -> None:
    import pytest

    # Begun before anything of silencio is forgotten that pytest's collection needs anew.
    for name in [name for name in sys.modules if name.partition(".")[0] == "silencio" and name != _KEPT]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Mutant(module, path, source))
    resource.setrlimit(resource.RLIMIT_CPU, (_MAX_PROCESSOR_S, _MAX_PROCESSOR_S))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    os.chdir(_ROOT)
    os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *_TESTS])))


class _Mutant(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from a changed source."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return (
            importlib.util.spec_from_loader(fullname, self, origin=str(self._path)) if fullname == self._name else None
        )

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._path)
        exec(compile(self._source, str(self._path), "exec"), module.__dict__)  # noqa: S102  # a changed module of ours
