"""Mutants are the places of a module, one changed at a time; each is left to the tests that mirror the module."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.proofs import (
    core_mutations,
    ir_check_mutations,
    licence_mutations,
    reader_mutations,
    release_mutations,
)
from benchmarks.proofs.mutation import ROOT, Subject, mirrored_tests, module_name, mutants

KEPT = ROOT / "benchmarks" / "results" / "proofs"
SUBJECTS = [
    core_mutations.GATES,
    core_mutations.LEAKS_AND_SPLIT,
    ir_check_mutations.CHECKER,
    licence_mutations.LICENCES,
    reader_mutations.READER,
    release_mutations.RELEASE,
]


def _expressions(source: str) -> list[tuple[str, str]]:
    return [(what, mutant.splitlines()[-1].strip()) for what, mutant in mutants(source)]


def test_mutants__change_one_place_at_a_time() -> None:
    assert _expressions("x = a < 3 and b == 'c'") == [
        ("line 1: And to Or", "x = a < 3 or b == 'c'"),
        ("line 1: Lt to LtE", "x = a <= 3 and b == 'c'"),
        ("line 1: Eq to NotEq", "x = a < 3 and b != 'c'"),
        ("line 1: 3 to 4", "x = a < 4 and b == 'c'"),
    ]


@pytest.mark.parametrize(
    ("source", "mutant"),
    [
        ("y = 1.5 if a else b", "y = 1.5 if not a else b"),
        ("y = [a for a in b if a]", "y = [a for a in b if not a]"),
        ("y = a * b", "y = a // b"),
        ("y = a not in b", "y = a in b"),
    ],
)
def test_mutants__of_conditions_filters_and_operators(source: str, mutant: str) -> None:
    assert mutant in [changed for _, changed in _expressions(source)]


def test_mutants__leave_text_and_truth_alone() -> None:
    assert _expressions("z = 'a' + f'{b}'\nw = True") == []


@pytest.mark.parametrize(
    ("module", "mirrored"),
    [
        ("split.py", ("tests/test_split.py", "tests/test_split_growth.py")),
        ("gates.py", ("tests/test_gates.py",)),
        ("gate_reasons.py", ("tests/test_split.py", "tests/test_split_growth.py", "tests/test_gates.py", "tests/all")),
    ],
)
def test_module__is_left_to_the_tests_that_mirror_it(module: str, mirrored: tuple[str, ...]) -> None:
    tests = ("tests/test_split.py", "tests/test_split_growth.py", "tests/test_gates.py", "tests/all")
    assert mirrored_tests(Subject(modules=(), tests=tests), Path(module)) == mirrored


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda one: module_name(one.modules[0]))
def test_subject__names_files_that_are_there_with_something_to_mutate(subject: Subject) -> None:
    assert all((ROOT / name).exists() for name in subject.tests)
    for path in subject.modules:
        assert any(mutants(path.read_text(encoding="utf-8"), texts=subject.texts)), path


def test_core__is_gates_leaks_and_split_and_every_test_of_theirs() -> None:
    subjects = (core_mutations.GATES, core_mutations.LEAKS_AND_SPLIT)
    names = {module_name(path).removeprefix("silencio.") for one in subjects for path in one.modules}
    assert names >= {
        "evaluation.gates",
        "evaluation.gate_policy",
        "evaluation.gate_reasons",
        "data.leaks",
        "data.split",
    }
    listed = {name for one in subjects for name in one.tests}
    for stem in ("evaluation/test_gate", "data/test_leaks", "data/test_split"):
        found = (ROOT / "tests" / "unit").glob(f"{stem}*.py")
        assert {str(path.relative_to(ROOT)) for path in found} <= listed


@pytest.mark.parametrize(
    ("name", "subjects"),
    [
        ("core-mutations", [core_mutations.GATES, core_mutations.LEAKS_AND_SPLIT]),
        ("licence-mutations", [licence_mutations.LICENCES]),
        ("release-mutations", [release_mutations.RELEASE]),
    ],
)
def test_mutants__that_survived_are_each_explained(name: str, subjects: list[Subject]) -> None:
    result = json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8"))["result"]
    assert set(result["modules"]) == {module_name(path) for one in subjects for path in one.modules}
    for found in result["modules"].values():
        assert found["n_mutants"] >= 15
        assert set(found["explained"]) == set(found["survivors"])
