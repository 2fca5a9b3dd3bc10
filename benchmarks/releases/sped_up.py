"""The policy that ships, with its times divided by one factor: nothing else of it is changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from benchmarks.releases.machine import SCRAPE_INTERVAL_S
from silencio.release.policy import ReleasePolicy

FACTOR = 480.0
# Below these no time goes: counts have to be read twice; and what is not sped up (so many visitors, a restart of the
# servers) has to fit.
FLOORS_S: Mapping[str, float] = {
    "look_every_s": SCRAPE_INTERVAL_S,
    "settle_s": 3 * SCRAPE_INTERVAL_S,
    "min_s": 3 * SCRAPE_INTERVAL_S,
    "max_s": 900.0,
    "bake_s": 0.0,
    "blind_freeze_s": 5 * SCRAPE_INTERVAL_S,
    "blind_return_s": 60.0,
    "ready_s": SCRAPE_INTERVAL_S,
}


def times_of(policy: ReleasePolicy) -> dict[str, float]:
    """All of its times; `ready_s` is the limit of the rule `reachability`."""
    values = {name: getattr(policy, name) for name in FLOORS_S if name != "ready_s"}
    return values | {"ready_s": policy.rules["reachability"].limit}


def sped_up(policy: ReleasePolicy) -> ReleasePolicy:
    """The policy with each time divided by `FACTOR`, and not below its floor."""
    times = {name: max(value / FACTOR, FLOORS_S[name]) for name, value in times_of(policy).items()}
    reachability = policy.rules["reachability"].model_copy(update={"limit": times.pop("ready_s")})
    return policy.model_copy(update={**times, "rules": {**policy.rules, "reachability": reachability}})


def write_policy(path: Path) -> Path:
    """As a release owner writes it."""
    values = sped_up(ReleasePolicy.shipped()).model_dump(mode="json", exclude_none=True)
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return path


def facts() -> dict[str, Any]:
    """What stands in the result."""
    shipped = ReleasePolicy.shipped()
    return {
        "factor": FACTOR,
        "floors_s": dict(FLOORS_S),
        "shipped": times_of(shipped),
        "used": times_of(sped_up(shipped)),
    }
