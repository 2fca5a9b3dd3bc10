"""Mutation testing of what decides: gates, leaks and the split (`benchmarks.proofs.mutation` says how).

What may be done with a bundle is `licence-mutations`.
"""

from __future__ import annotations

from typing import Any

from benchmarks.proofs.mutation import ROOT, Subject, prove_mutations
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


def prove(units: Units) -> dict[str, Any]:
    """How many mutants of each module were killed, and which survived."""
    return prove_mutations((GATES, LEAKS_AND_SPLIT), units)
