"""How often the calibration gate refuses models that are honest, and models that are wrong by a known amount.

Probabilities of a model that names seven in ten rightly, drawn from Beta(4 p, 4 (1 - p)), the spread of regressions on
the demo recordings; outcomes are drawn from probabilities that are lower by the amount, never below 0. `before` is the
rule that held before the interval: refused where the error that was found is above what the policy allows.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.proofs.units import Units
from silencio.evaluation.calibration_error import calibration_error
from silencio.evaluation.gates import Evidence, GatePolicy, apply_gates

N_RECORDINGS = (24, 30, 100, 300, 1000)
WRONG_BY = (0.0, 0.1, 0.2, 0.3, 0.4)
TOP1 = 0.7
_N_MODELS = 100
# So many of a cell's models stand in the result one by one, a letter each, for a test to hold the code against.
N_FIRST = 20
_CONCENTRATION = 4.0
_OUTCOMES = {"refused": "refused", "too few to decide": "too_few_to_decide", "passed": "passed"}


def prove(units: Units) -> dict[str, Any]:
    """By number of test recordings and by how wrong the probabilities are: shares of models."""
    shares: dict[str, dict[str, Any]] = {}
    for n in N_RECORDINGS:
        row = {f"{wrong_by:g}": partial(outcomes, n, wrong_by) for wrong_by in WRONG_BY}
        shares[str(n)] = {name: units.do(f"n-{n}-wrong-{name}", make) for name, make in row.items()}
    return {"n_models": _N_MODELS, "top1": TOP1, "shares": shares, "page": page(shares)}


def outcomes(n_recordings: int, wrong_by: float, n_models: int = _N_MODELS) -> dict[str, Any]:
    """Shares of models by outcome of the gate, and that the rule before would have refused; `first`: one by one."""
    rng = np.random.default_rng(0)
    max_error = GatePolicy.shipped().max_calibration_error or 0.0
    policy, counts = GatePolicy(max_calibration_error=max_error), dict.fromkeys([*_OUTCOMES.values(), "before"], 0)
    first = ""
    for _ in range(n_models):
        confidence = rng.beta(_CONCENTRATION * TOP1, _CONCENTRATION * (1 - TOP1), n_recordings)
        found = calibration_error(confidence, rng.random(n_recordings) < confidence - wrong_by)
        verdict = apply_gates(policy, Evidence(calibration=found))
        (gate,) = [one for one in verdict.reasons if one.gate == "calibration"]
        counts[_OUTCOMES[gate.outcome]] += 1
        first += _OUTCOMES[gate.outcome][0]
        counts["before"] += found.value > max_error
    return {**{name: round(count / n_models, 3) for name, count in counts.items()}, "first": first[:N_FIRST]}


def page(shares: dict[str, Any]) -> list[str]:
    """The lines that stand in docs/evaluation.md between `<!-- calibration-gate -->` and its end."""
    head = ["test recordings", *(f"wrong by {amount:g}" if amount else "honest" for amount in WRONG_BY)]
    lines = [head, ["---"] * len(head)]
    lines += [
        [n, *(f"{one['before']:.2f} / {one['refused']:.2f}" for one in row.values())] for n, row in shares.items()
    ]
    return [f"| {' | '.join(line)} |" for line in lines]
