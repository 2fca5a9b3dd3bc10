"""How often a release of an equal bundle is rolled back, and how soon a bad one is: thousands of made-up releases.

`equal`: both arms fail, are slow and reject alike, in sessions of ten requests that fail together. `failing`: one
session in twenty fails, of the champion's one in five hundred. `slow`: one in five is slow, of the champion's one in
twenty. `failing a little` and `a little slow`: one in a hundred, and one in ten. `thirty looks`: as often as the
policy looks in a step's least time, where the others have twenty. `few sessions`: as `failing`, with hardly more than
the policy's least number of sessions a step. `many failures` and `storms`: equal bundles whose sessions fail more
often, and that an outage of what both use meets in one look of 150. In all of them more come, and more of them fail,
at one time of the day than at another, and every rule of the policy that ships decides.
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

# Releases of a unit that is kept.
N_PER_UNIT = 100
# So many more of each world stand in the result one by one, for a test to hold the code against.
N_FIRST = 5
# Worlds in which a stopped release was stopped for nothing.
EQUAL = ("equal", "equal, many failures", "equal, storms")
WORLDS = {
    "equal": World(),
    "failing": World(challenger_failed=0.05),
    "slow": World(challenger_slow=0.2),
    "failing, thirty looks": World(challenger_failed=0.05, looks_per_step=30),
    "failing, few sessions": World(challenger_failed=0.05, sessions_per_step=125),
    "failing a little": World(challenger_failed=0.01),
    "a little slow": World(challenger_slow=0.1),
    "equal, many failures": World(
        champion_failed=0.008, challenger_failed=0.008, champion_slow=0.2, challenger_slow=0.2
    ),
    "equal, storms": World(storm_share=1 / 150),
}
N_RELEASES = dict.fromkeys(WORLDS, 200) | dict.fromkeys(("equal", "failing", "slow"), 2_000)


def prove(units: Units) -> dict[str, Any]:
    """How releases ended, by which rule, after how many sessions of the challenger; `all_equal`: of all in `EQUAL`."""
    found = {name: _world(units, name) for name in WORLDS}
    equal = [ending for name in EQUAL for ending in found[name]]
    worlds = {
        name: {**summary(endings), "first": [[one.state, one.rule, one.step] for one in _first(units, name)]}
        for name, endings in found.items()
    }
    result = {"worlds": worlds, "all_equal": summary(equal)}
    return {**result, "page": page(result)}


def page(result: dict[str, Any]) -> list[str]:
    """The lines that stand in docs/benchmarks.md between `<!-- release-errors -->` and its end."""
    head = [
        "made-up releases",
        "number",
        "promoted",
        "stopped",
        "held",
        "sessions of the challenger until stopped, median",
    ]
    lines = [head, ["---"] * len(head)]
    for name, one in {**result["worlds"], "all equal": result["all_equal"]}.items():
        states, median_sessions = one["states"], one["median_challenger_sessions"]
        stopped = states.get("rolled_back", 0) + states.get("refused", 0)
        row = [sum(states.values()), states.get("promoted", 0), stopped, states.get("held", 0)]
        lines.append([name, *(f"{n:,}" for n in row), "-" if median_sessions is None else f"{median_sessions:g}"])
    return [f"| {' | '.join(line)} |" for line in lines]


def _world(units: Units, name: str) -> list[Ending]:
    make = {
        f"{_slug(name)}-{N_PER_UNIT}-{k}": partial(_endings, WORLDS[name], N_PER_UNIT, k)
        for k in range(N_RELEASES[name] // N_PER_UNIT)
    }
    return [Ending(**ending) for unit, releases in make.items() for ending in units.do(unit, releases)]


def _first(units: Units, name: str) -> list[Ending]:
    return [Ending(**one) for one in units.do(f"{_slug(name)}-first", partial(_endings, WORLDS[name], N_FIRST, 0))]


def _slug(name: str) -> str:
    return name.replace(", ", "-").replace(" ", "-")


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
