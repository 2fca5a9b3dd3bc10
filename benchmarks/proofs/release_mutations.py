"""Mutation testing of what decides a release: its tests, rules on counts, decisions and states.

`benchmarks.proofs.mutation` says how. Tolerances and shares of the error are the policy's: tests hold their figures.
What survives and is known to change nothing that can be seen stands in the result with the reason (`explained`).
"""

from __future__ import annotations

from typing import Any

from benchmarks.proofs.mutation import ROOT, Subject, prove_mutations, with_reasons
from benchmarks.proofs.units import Units

_FOLDER = ROOT / "src" / "silencio" / "release"
_MODULES = (
    "sequential_counts.py",
    "sequential_shares.py",
    "sequential_pairs.py",
    "count_rules.py",
    "decision.py",
    "states.py",
)
RELEASE = Subject(
    modules=tuple(_FOLDER / name for name in _MODULES),
    tests=tuple(f"tests/unit/release/test_{name}" for name in _MODULES),
    preloaded=("numpy", "scipy.special", "scipy.stats", "pydantic", "pytest", "hypothesis", "yaml", "tqdm"),
    max_mutants=30,
)
_NO_TIE = "no counts have this very evidence: a sum of logarithms equals the threshold never"
# What was changed, a part of its line, and why no test can see it.
_HARMLESS = (
    ("GtE to Gt", ">= needed", _NO_TIE),
    ("GtE to Gt", ">= math.log(1.0 / alpha)", _NO_TIE),
    ("GtE to Gt", ">= math.log(threshold)", _NO_TIE),
    ("GtE to Gt", "math.log(_EVIDENCE_OF_CHAMPION)", _NO_TIE),
    ("Lt to LtE", "< math.log(1.0 / alpha)", _NO_TIE),
    ("Lt to LtE", "< math.log(_EVIDENCE_OF_DIFFERENCE)", _NO_TIE),
    ("1 to 2", ".reshape(-1, 1)", "numpy takes any negative length for the one that is not said"),
    ("61 to 62", "_GRID =", "the grid of tested ratios: bounds move by less than a step of it"),
    ("150 to 151", "_N_RATES =", "the grid of rates: the smallest visible one moves by less than a step of it"),
    ("1 to 2", "share = getattr(counts, str(event.beyond))", "one session alone is never beyond doubt"),
)


def prove(units: Units) -> dict[str, Any]:
    """How many mutants of each module were killed, which survived, and which of these change nothing to be seen."""
    return with_reasons(prove_mutations([RELEASE], units), [RELEASE], _HARMLESS)
