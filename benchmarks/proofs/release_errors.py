"""How often a release of an equal bundle is rolled back, and how soon a bad one is: thousands of made-up releases.

`equal`: both arms fail and are slow alike, in sessions of ten requests that fail together. `failing`: one session in
twenty fails, of the champion's one in five hundred. `slow`: one in five is slow, of the champion's one in twenty.
`few sessions`: as `failing`, with the policy's least number of sessions a step. No time is measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import Any

from scipy.special import betaincinv

from benchmarks.proofs.units import Units
from benchmarks.release_simulation import Ending, World, simulate

N_RELEASES = 2_000
# Of worlds that are beside the point.
N_OTHER_RELEASES = 500
# Releases of a unit that is kept.
N_PER_UNIT = 100
# So many more of each world stand in the result one by one, for a test to hold the code against.
N_FIRST = 5
# Worlds in which a stopped release was stopped for nothing.
EQUAL = ("equal", "equal, many failures", "equal, storms")
WORLDS = {
    "equal": World(),
    "failing": World(challenger_failed=0.05, tide=0.0),
    "slow": World(challenger_slow=0.2, tide=0.0),
    "failing, few sessions": World(challenger_failed=0.05, sessions_per_step=125, tide=0.0),
    "equal, many failures": World(
        champion_failed=0.008, challenger_failed=0.008, champion_slow=0.2, challenger_slow=0.2
    ),
    "equal, storms": World(storm_share=0.02),
}


def prove(units: Units) -> dict[str, Any]:
    """By world: how releases ended, by which rule, after how many sessions of the challenger."""
    found = {}
    for name, world in WORLDS.items():
        slug = name.replace(", ", "-").replace(" ", "-")
        endings = [
            Ending(**ending)
            for k in range(n_releases(name) // N_PER_UNIT)
            for ending in units.do(f"{slug}-{N_PER_UNIT}-{k}", partial(_endings, world, N_PER_UNIT, k))
        ]
        first = units.do(f"{slug}-first", partial(_endings, world, N_FIRST, 0))
        found[name] = {**summary(endings), "first": [[one["state"], one["rule"], one["step"]] for one in first]}
    return {"worlds": found}


def n_releases(world: str) -> int:
    """How many releases of a world are carried out."""
    return N_RELEASES if world in ("equal", "failing", "slow") else N_OTHER_RELEASES


def _endings(world: World, n_releases: int, seed: int) -> list[dict[str, Any]]:
    return [vars(ending) for ending in simulate(world, n_releases, seed=seed)]


def summary(endings: Sequence[Ending]) -> dict[str, Any]:
    """Figures of one world."""
    stopped = [ending for ending in endings if ending.state in ("rolled_back", "refused")]
    seen = [ending.challenger_sessions for ending in stopped]
    return {
        "states": dict(sorted(Counter(ending.state for ending in endings).items())),
        "rules": dict(sorted(Counter(ending.rule for ending in endings if ending.rule).items())),
        "stopped_share": len(stopped) / len(endings),
        "stopped_share_at_most": upper_bound(len(stopped), len(endings)),
        "stopped_share_at_least": 1.0 - upper_bound(len(endings) - len(stopped), len(endings)),
        "stopped_by_end_of_first_step_share": sum(ending.step <= 1 for ending in stopped) / len(endings),
        "median_challenger_sessions": median(seen) if seen else None,
    }


def upper_bound(count: int, n: int) -> float:
    """The exact one-sided 95 % bound of a share (Clopper and Pearson 1934)."""
    return 1.0 if count == n else float(betaincinv(count + 1, n - count, 0.95))
