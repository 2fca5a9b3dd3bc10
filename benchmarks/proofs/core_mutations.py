"""Mutation testing of what decides: gates, leaks and the split (`benchmarks.proofs.mutation` says how).

What may be done with a bundle is `licence-mutations`. What survives and is known to change nothing that can be seen
stands in the result with the reason (`explained`).
"""

from __future__ import annotations

from typing import Any

from benchmarks.proofs.mutation import ROOT, Subject, prove_mutations, with_reasons
from benchmarks.proofs.units import Units

_LIBRARY = ROOT / "src" / "silencio"
_PRELOADED = ("numpy", "pandas", "pandera", "pydantic", "pyarrow.parquet", "pytest", "hypothesis", "yaml", "tqdm")
GATES = Subject(
    modules=tuple(
        _LIBRARY / "evaluation" / name for name in ("gates.py", "gate_policy.py", "gate_reasons.py", "verdict.py")
    ),
    tests=("tests/unit/evaluation/test_gates.py", "tests/unit/evaluation/test_gate_policy.py"),
    preloaded=_PRELOADED,
    max_mutants=80,
    options=("--noconftest",),
)
LEAKS_AND_SPLIT = Subject(
    modules=(_LIBRARY / "data" / "leaks.py", _LIBRARY / "data" / "split.py"),
    tests=(
        "tests/unit/data/test_leaks.py",
        "tests/unit/data/test_split.py",
        "tests/unit/data/test_split_growth.py",
    ),
    preloaded=_PRELOADED,
    max_mutants=80,
    options=("--noconftest",),
)
# What is changed, a part of the line, and why nobody can see it.
HARMLESS = (
    ("1 to 2", "difflib.get_close_matches", "the first of those that are near is named, however many are looked for"),
    ("1 to 2", "json.dumps(facts, indent=1)", "white space between the values of a file that is read as JSON"),
    ("1 to 2", "validation_share: float = Field(", "a share of 1 and more leaves nothing, which the sum refuses too"),
    ("1 to 2", "test_share: float = Field(", "a share of 1 and more leaves nothing, which the sum refuses too"),
    ("0 to 1", "fillna(0) >= _MIN_OWNERS", "one owner is as few as none: two are too few to be kept apart"),
    ("0 to 1", "max(0, n_groups - 2)", "of fewer than three groups none is for validation before"),
    ("0 to 1", "if n_groups >= 2 else 0", "below, all but one group at most are tested on: of one, none"),
    ("0 to 1", "if n_groups >= 3 else 0", "below, all but two groups at most are for validation: of two, none"),
)


def prove(units: Units) -> dict[str, Any]:
    """How many mutants of each module were killed, which survived, and which of these change nothing to be seen."""
    return with_reasons(prove_mutations((GATES, LEAKS_AND_SPLIT), units), (GATES, LEAKS_AND_SPLIT), HARMLESS)
