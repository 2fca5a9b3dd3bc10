"""Mutation testing: code is made wrong in one place at a time, and its tests must notice.

A mutant is one changed comparison, operator, number, condition, or text of a table. It is killed when the tests of its
subject fail on it, or do not end within their processor time. What survives is listed with its line: some mutants
change nothing that can be seen (a size of a buffer). A proof is a module that calls `prove_mutations`.
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
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

from benchmarks.proofs.units import Units
from silencio.errors import PipelineError

ROOT = Path(__file__).resolve().parents[2]
_LIBRARY = ROOT / "src"
_OURS = {"silencio", "pipelines", "components", "serving"}
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


@dataclass(frozen=True)
class Subject:
    """What is mutated, and the tests that must notice.

    Attributes:
        modules: Files of `src` or of a package at the root of the repository.
        tests: Files or folders, from the root. For a module `x.py` the files `test_x.py` and `test_x_….py` among them
            come first, where there are any; what they let pass all of them see.
        preloaded: Modules of others that the tests import: loaded once, so that a mutant's process loads ours alone.
        max_mutants: Most mutants of a module, spread evenly over it; None takes all.
        texts: Mutate the texts in the tables of a module as well (dicts, sets, lists and tuples outside functions).
        max_processor_s: Limit of the processor time of the tests of one mutant.
        options: Pytest's options, such as `--noconftest` for tests that need no fixture.
    """

    modules: tuple[Path, ...]
    tests: tuple[str, ...]
    preloaded: tuple[str, ...] = ("pytest", "hypothesis", "yaml", "tqdm")
    max_mutants: int | None = None
    texts: bool = False
    max_processor_s: int = 120
    options: tuple[str, ...] = ()


def prove_mutations(subjects: Sequence[Subject], units: Units) -> dict[str, Any]:
    """How many mutants of each module were killed, and which survived."""
    modules = {}
    work = [(subject, path) for subject in subjects for path in subject.modules]
    for subject, path in tqdm(work, desc="modules", unit="module"):
        name = module_name(path)
        tests = _digest(file for name in subject.tests for file in _test_files(ROOT / name))
        unit = f"{name.replace('.', '-')}-{_digest([path])}-{tests}-{subject.max_mutants or 'all'}"
        modules[name] = units.do(unit, lambda subject=subject, path=path: _try_mutants(subject, path))
    n_mutants = sum(one["n_mutants"] for one in modules.values())
    n_killed = sum(one["n_killed"] for one in modules.values())
    return {"n_mutants": n_mutants, "n_killed": n_killed, "killed_share": n_killed / n_mutants, "modules": modules}


def with_reasons(
    result: dict[str, Any], subjects: Sequence[Subject], harmless: Sequence[tuple[str, str, str]]
) -> dict[str, Any]:
    """The same, and of each module's survivors those that are known to change nothing, with the reason.

    Args:
        result: What `prove_mutations` returned.
        subjects: What it was of.
        harmless: What is changed, a part of the line, and why nobody can see it.
    """
    for path in (path for subject in subjects for path in subject.modules):
        lines = path.read_text(encoding="utf-8").splitlines()
        found = result["modules"][module_name(path)]
        found["explained"] = {}
        for survivor in found["survivors"]:
            place, _, what = survivor.partition(": ")
            line = lines[int(place.removeprefix("line ")) - 1]
            for change, part, why in harmless:
                if what == change and part in line:
                    found["explained"].setdefault(survivor, why)
    return result


def module_name(path: Path) -> str:
    """By which a file is imported."""
    relative = path.relative_to(_LIBRARY if path.is_relative_to(_LIBRARY) else ROOT).with_suffix("")
    return ".".join(relative.parts).removesuffix(".__init__")


def mutants(source: str, *, texts: bool = False) -> Iterator[tuple[str, str]]:
    """Every mutant of a module: what was changed, with its line, and the changed source."""
    for number in range(len(_places(ast.parse(source), texts))):
        tree = ast.parse(source)
        line, what, change = _places(tree, texts)[number]
        change()
        yield f"line {line}: {what}", ast.unparse(ast.fix_missing_locations(tree))


def _places(tree: ast.Module, texts: bool) -> list[tuple[int, str, Any]]:
    found: list[tuple[int, str, Any]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for i, operator in enumerate(node.ops):
                if swapped := _SWAPS.get(type(operator)):
                    found.append((node.lineno, _named(operator, swapped), _set(node.ops, i, swapped())))
        elif isinstance(node, ast.BoolOp | ast.BinOp):
            swapped = _SWAPS.get(type(node.op))
            # A text is not subtracted; a condition that names one is a condition.
            if swapped and not (isinstance(node, ast.BinOp) and _is_text(node)):
                found.append((node.lineno, _named(node.op, swapped), _set_attribute(node, "op", swapped())))
        elif isinstance(node, ast.If | ast.While | ast.IfExp):
            turned = ast.UnaryOp(ast.Not(), node.test)
            found.append((node.lineno, "condition turned", _set_attribute(node, "test", turned)))
        elif isinstance(node, ast.comprehension):
            for i, test in enumerate(node.ifs):
                found.append((test.lineno, "filter turned", _set(node.ifs, i, ast.UnaryOp(ast.Not(), test))))
        elif isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
            found.append(
                (node.lineno, f"{node.value} to {node.value + 1}", _set_attribute(node, "value", node.value + 1))
            )
    if texts:
        found += [
            (node.lineno, f"{node.value!r} changed", _set_attribute(node, "value", f"{node.value} changed"))
            for node in _texts_of_tables(tree)
        ]
    return sorted(found, key=lambda one: one[0])


def _texts_of_tables(tree: ast.Module) -> Iterator[ast.Constant]:
    tables = [node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value]
    for node in (node for table in tables for node in ast.walk(table)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node


def _is_text(node: ast.BinOp) -> bool:
    return any(isinstance(one, ast.JoinedStr) or (isinstance(one, ast.Constant) and isinstance(one.value, str)) for one in ast.walk(node))  # noqa: E501  # fmt: skip


def _named(before: ast.AST, after: type[ast.AST]) -> str:
    return f"{type(before).__name__} to {after.__name__}"


def _set(items: list[Any], i: int, value: Any) -> Any:
    return lambda: items.__setitem__(i, value)


def _set_attribute(node: ast.AST, name: str, value: Any) -> Any:
    return lambda: setattr(node, name, value)


def mirrored_tests(subject: Subject, path: Path) -> tuple[str, ...]:
    """Tests mirror the source: `test_x.py`, and `test_x_….py` where they are many."""
    mirrored = tuple(
        name for name in subject.tests if Path(name).suffix and f"{Path(name).stem}_".startswith(f"test_{path.stem}_")
    )
    return mirrored or subject.tests


def _test_files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _digest(files: Iterator[Path] | list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _try_mutants(subject: Subject, path: Path) -> dict[str, Any]:
    for name in subject.preloaded:
        importlib.import_module(name)
    source = path.read_text(encoding="utf-8")
    module = module_name(path)
    if not _survives(subject, path, ast.unparse(ast.parse(source)), subject.tests):
        raise PipelineError(f"the tests fail on {module} as it is: there is nothing to prove before they pass")
    every = list(mutants(source, texts=subject.texts))
    step = max(1, -(-len(every) // (subject.max_mutants or max(1, len(every)))))
    chosen = every[::step]
    rounds = dict.fromkeys([mirrored_tests(subject, path), subject.tests])
    survivors = [
        what
        for what, mutant in tqdm(chosen, desc=module, unit="mutant")
        if all(_survives(subject, path, mutant, tests) for tests in rounds)
    ]
    return {
        "n_places": len(every),
        "n_mutants": len(chosen),
        "n_killed": len(chosen) - len(survivors),
        "survivors": survivors,
    }


def _survives(subject: Subject, path: Path, source: str, tests: Sequence[str]) -> bool:
    process = multiprocessing.get_context("fork").Process(target=_run_tests, args=(subject, path, source, tests))
    process.start()
    process.join()
    return process.exitcode == 0


def _run_tests(subject: Subject, path: Path, source: str, tests: Sequence[str]) -> None:
    import hypothesis
    import pytest

    # As tests/unit/conftest.py has it, where that is not loaded: a slow machine kills no mutant, nor does chance.
    hypothesis.settings.register_profile(
        "mutants",
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=50,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("mutants")
    # Begun before anything of ours is forgotten that pytest's collection needs anew.
    for name in [name for name in sys.modules if name.partition(".")[0] in _OURS and name != _KEPT]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Mutant(module_name(path), path, source))
    resource.setrlimit(resource.RLIMIT_CPU, (subject.max_processor_s, subject.max_processor_s))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    os.chdir(ROOT)
    os._exit(
        int(
            pytest.main(
                [
                    "-x",
                    "-q",
                    "-p",
                    "no:cacheprovider",
                    "-p",
                    "no:xdist",
                    *subject.options,
                    *tests,
                ]
            )
        )
    )


class _Mutant(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from a changed source."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        is_package = self._path.name == "__init__.py"
        spec = importlib.util.spec_from_loader(fullname, self, origin=str(self._path), is_package=is_package)
        if spec is not None and is_package:
            spec.submodule_search_locations = [str(self._path.parent)]
        return spec

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._path)
        exec(compile(self._source, str(self._path), "exec"), module.__dict__)  # noqa: S102  # a changed module of ours
