"""Mutation testing of what decides a release: its tests, rules on counts, decisions and states.

`benchmarks.proofs.mutation` says how. Tolerances and shares of the error are the policy's: tests hold their figures.
"""

from __future__ import annotations

from typing import Any

from benchmarks.proofs.mutation import ROOT, Subject, prove_mutations
from benchmarks.proofs.units import Units

_MODULES = (
    "sequential_counts.py",
    "sequential_shares.py",
    "sequential_pairs.py",
    "count_rules.py",
    "decision.py",
    "states.py",
)
RELEASE = Subject(
    modules=tuple(ROOT / "src" / "silencio" / "release" / name for name in _MODULES),
    tests=tuple(f"tests/unit/release/test_{name}" for name in _MODULES),
    preloaded=("numpy", "scipy.special", "scipy.stats", "pydantic", "pytest", "hypothesis", "yaml", "tqdm"),
    max_mutants=30,
)


def prove(units: Units) -> dict[str, Any]:
    """How many mutants of each module were killed, and which survived."""
    return prove_mutations([RELEASE], units)
