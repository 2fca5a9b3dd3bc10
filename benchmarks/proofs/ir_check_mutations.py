"""Mutation testing of the checker of compiled pipelines (`benchmarks.proofs.mutation` says how)."""

from __future__ import annotations

from typing import Any

from benchmarks.proofs.mutation import ROOT, Subject, prove_mutations
from benchmarks.proofs.units import Units

_ROOM = ROOT / "pipelines" / "ir_check"
# Those that plant faults in a small pipeline; `test_ir_check.py` compiles real ones, and would add seconds a mutant.
_TESTS = sorted((ROOT / "tests" / "pipelines" / "ir_check").glob("test_*.py"))
CHECKER = Subject(
    modules=tuple(sorted(path for path in _ROOM.glob("*.py") if path.name not in ("__init__.py", "schema.py"))),
    tests=tuple(str(path.relative_to(ROOT)) for path in _TESTS if path.name != "test_ir_check.py"),
    texts=True,
    max_processor_s=20,
    options=("--noconftest", "-p", "no:hypothesispytest", "-p", "no:timeout", "-p", "no:anyio"),
)


def prove(units: Units) -> dict[str, Any]:
    """How many mutants of each module were killed, and which survived."""
    return prove_mutations([CHECKER], units)
