"""How often equal models are refused for a slice, before and after the slices were taken together, and what is found.

Training's gate: a candidate and a champion on slices of equal size that do not overlap, one recording in five right for
one of the two alone. `before` is the rule that held before: the 95 % interval of each comparison by itself. The lossy
candidate is as good as the champion but in the first slice, where it is worse by 0.3 in truth.

The release's replay: the same models at the error that a release spends on it, by `compare_paired`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from benchmarks.proofs.units import Units
from silencio.evaluation.bootstrap import Bootstrap
from silencio.evaluation.champion_family import ChampionFamily
from silencio.evaluation.comparisons import PairedDifference
from silencio.evaluation.gates import Evidence, GatePolicy, apply_gates
from silencio.evaluation.simultaneous import compare_paired
from silencio.evaluation.slices import SliceConfig, evaluate_slices
from silencio.release.policy import ReleasePolicy

# Number of slices, recordings in each.
CELLS = ((5, 20), (10, 20), (5, 40), (10, 40))
REPLAYED = (75, 100, 200, 400)
LOSS, DISCORDANT = 0.3, 0.2
N_MODELS, N_RELEASES, N_PASSES = 150, 20_000, 200
# So many of a cell's models stand in the result one by one, a letter each, for a test to hold the code against.
N_FIRST = 10
_N_CLASSES, _N_RESAMPLES = 3, 500
# Of the slice in which the candidate is worse: it alone is right, the champion alone is.
_OF_LOSS = (0.05, 0.05 + LOSS)


def prove(units: Units) -> dict[str, Any]:
    """Shares of models that are refused by training's gate, and of releases that fail, pass or stay open."""
    gate = {
        f"{n_slices}x{n_each}": {
            kind: units.do(f"gate-{n_slices}x{n_each}-{kind}", partial(refused, n_slices, n_each, kind == "worse"))
            for kind in ("equal", "worse")
        }
        for n_slices, n_each in CELLS
    }
    replay = {str(n): units.do(f"replay-{n}", partial(replayed, n)) for n in REPLAYED}
    losses = {str(n): units.do(f"loss-{n}", partial(found_losses, n)) for n in (40, 60, 80, 120)}
    return {
        "n_models": N_MODELS,
        "n_releases": N_RELEASES,
        "alpha": replay_alpha(),
        "gate": gate,
        "replay": replay,
        "losses": losses,
        "page": {"gate": gate_page(gate), "replay": replay_page(replay), "losses": losses_page(losses)},
    }


def replay_alpha() -> float:
    """What the policy that ships spends on the replay."""
    alpha = ReleasePolicy.shipped().rules["replay"].alpha
    assert alpha is not None
    return alpha


def refused(n_slices: int, n_each: int, is_worse: bool, n_models: int = N_MODELS) -> dict[str, Any]:
    """Shares of candidates that the champion's gates refuse; `first`: by which rules, one by one."""
    rng = np.random.default_rng(n_slices * 1000 + n_each)
    policy, n = GatePolicy(slice_margin=0.05, champion_margin=0.02), n_slices * n_each
    masks = {f"slice {number}": np.arange(n) // n_each == number for number in range(n_slices)}
    counts, first = {"before": 0, "after": 0}, ""
    for _ in range(n_models):
        champion, candidate = _hits(rng, n, masks["slice 0"] if is_worse else None)
        before, after = _verdicts(rng, champion, candidate, masks, policy)
        counts["before"] += before
        counts["after"] += after
        first += "nbat"[before + 2 * after]
    return {**{name: round(count / n_models, 3) for name, count in counts.items()}, "first": first[:N_FIRST]}


def replayed(n: int, n_releases: int = N_RELEASES) -> dict[str, float]:
    """Of equal challengers on `n` recordings in slices of 20: the shares that fail, and of fewer those that pass."""
    rng, alpha = np.random.default_rng(n), replay_alpha()
    slices = {f"slice {number}": np.arange(n) // 20 == number for number in range(n // 20)}
    members = np.stack([np.ones(n, bool), *slices.values()], axis=1)
    n_failed = 0
    for _ in range(n_releases):
        champion, challenger = _hits(rng, n, None)
        if replay_may_fail(champion, challenger, members, alpha):
            n_failed += compare_paired(champion, challenger, slices, alpha=alpha).outcome == "fail"
    passed = [compare_paired(*_hits(rng, n, None), {}, alpha=alpha).outcome == "pass" for _ in range(N_PASSES)]
    return {"failed": n_failed / n_releases, "passed": float(np.mean(passed))}


def found_losses(n: int, n_models: int = N_MODELS) -> dict[str, float]:
    """Of challengers that are worse by 0.3 on one slice of `n` recordings among six, the share that fails."""
    rng, alpha = np.random.default_rng(n), replay_alpha()
    total = n + 200
    slices = {"worse": np.arange(total) < n}
    slices |= {f"slice {number}": (np.arange(total) - n) // 40 == number for number in range(5)}
    members = np.stack([np.ones(total, bool), *slices.values()], axis=1)
    n_found = 0
    for _ in range(n_models):
        champion, challenger = _hits(rng, total, slices["worse"])
        if replay_may_fail(champion, challenger, members, alpha):
            n_found += compare_paired(champion, challenger, slices, alpha=alpha).outcome == "fail"
    return {"failed": round(n_found / n_models, 3)}


def gate_page(gate: dict[str, Any]) -> list[str]:
    """The lines that stand in docs/evaluation.md between `<!-- slice-gate -->` and its end."""
    head = ["slices", "recordings in each", "equal, refused", "worse by 0.3 in one, refused"]
    rows = [
        [*cell.split("x"), *(f"{one['before']:.2f} / {one['after']:.2f}" for one in (row["equal"], row["worse"]))]
        for cell, row in gate.items()
    ]
    return _table(head, rows)


def replay_page(replay: dict[str, Any]) -> list[str]:
    """Likewise, between `<!-- replay-bounds -->` and its end."""
    rows = [[n, f"{100 * one['failed']:.2f} %", f"{100 * one['passed']:.0f} %"] for n, one in replay.items()]
    return _table(["replayed recordings", "equal, fails", "equal, passes"], rows)


def losses_page(losses: dict[str, Any]) -> list[str]:
    """Likewise, between `<!-- replay-losses -->` and its end."""
    return _table(
        ["recordings in the slice", "worse by 0.3 there, fails"],
        [[n, f"{100 * one['failed']:.0f} %"] for n, one in losses.items()],
    )


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows)]


def _hits(rng: np.random.Generator, n: int, worse: NDArray[np.bool_] | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Whether champion and candidate are right: 7 in 10, one in five right for one of the two alone."""
    draw, both = rng.random(n), rng.random(n) < 0.7
    wins, differ = np.full(n, DISCORDANT / 2), np.full(n, DISCORDANT)
    if worse is not None:
        wins[worse], differ[worse] = _OF_LOSS[0], sum(_OF_LOSS)
    candidate = np.where(draw < wins, True, np.where(draw < differ, False, both))
    champion = np.where(draw < wins, False, np.where(draw < differ, True, both))
    return champion, candidate


def replay_may_fail(champion: NDArray[Any], challenger: NDArray[Any], members: NDArray[np.bool_], alpha: float) -> bool:
    """Whether any group by itself reaches the level: only then can the bound of all together lie below 0."""
    counted = members.astype(np.int64)
    better, worse = (challenger & ~champion) @ counted, (champion & ~challenger) @ counted
    return bool((bdtr(better, better + worse, 0.5) <= alpha).any())


def _verdicts(
    rng: np.random.Generator,
    champion: NDArray[Any],
    candidate: NDArray[Any],
    masks: dict[str, NDArray[np.bool_]],
    policy: GatePolicy,
) -> tuple[bool, bool]:
    """Whether the gates refuse the candidate by the rule before, and now."""
    n = len(champion)
    truth = rng.integers(0, _N_CLASSES, n)
    target = np.eye(_N_CLASSES)[truth]
    ours, theirs = (_scores(rng, truth, hits) for hits in (candidate, champion))
    bootstrap, everywhere = Bootstrap(n, _N_RESAMPLES, seed=int(rng.integers(2**31))), np.ones(n, bool)
    slices = evaluate_slices(masks, ours, target, truth, bootstrap, SliceConfig(), champion.astype(float))
    difference = PairedDifference.of(ours, theirs, target, truth, bootstrap)
    comparisons, bounded = ChampionFamily(difference, bootstrap, everywhere, masks).with_bounds(slices)
    alone = [replace(one, simultaneous_upper=None) for one in comparisons]
    before = Evidence(comparisons=alone, slices=slices, champion="c")
    after = Evidence(comparisons=comparisons, slices=bounded, champion="c")
    failed = [any(not one.passed for one in apply_gates(policy, evidence).reasons) for evidence in (before, after)]
    return failed[0], failed[1]


def _scores(rng: np.random.Generator, truth: NDArray[np.integer], hits: NDArray[Any]) -> NDArray[np.float64]:
    """Highest at the right species where it is right, at the next one where it is not."""
    named = np.where(hits, truth, (truth + 1) % _N_CLASSES)
    return np.asarray(np.eye(_N_CLASSES)[named] + 0.9 * rng.random((len(truth), _N_CLASSES)))
