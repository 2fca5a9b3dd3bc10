"""Evidence and records as a release has them; everything passes unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from silencio.release.evidence import ArmCounts, ArmHealth, Evidence, Interval, Pairs, Replay, SpeciesPair
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, ReleaseRecord

HEALTHY = ArmHealth(parity_passed=True, ready_s=3_600.0, resident_bytes=5e8, cpu_s_per_window=0.01)


@pytest.fixture(scope="session")
def policy() -> ReleasePolicy:
    return ReleasePolicy.shipped()


@pytest.fixture
def interval() -> Callable[..., Interval]:
    """An interval of a step; `champion` and `challenger` are fields of `ArmCounts`."""

    def make(
        step: int = 1,
        share: float = 0.05,
        *,
        champion: dict[str, int] | None = None,
        challenger: dict[str, int] | None = None,
        simulated: bool = False,
    ) -> Interval:
        counts = [ArmCounts(**{"requests": 500, "units": 500, **(one or {})}) for one in (champion, challenger)]
        return Interval(
            step=step,
            share=share,
            began_s=0.0,
            ended_s=60.0,
            champion=counts[0],
            challenger=counts[1],
            simulated=simulated,
        )

    return make


@pytest.fixture(scope="session")
def replay() -> Replay:
    """A hundred recordings, of which both bundles name 80 rightly, ten of them others."""
    champion = np.r_[np.ones(80), np.zeros(20)].astype(np.int8)
    challenger = np.r_[np.zeros(10), np.ones(80), np.zeros(10)].astype(np.int8)
    return Replay(champion_right=champion, challenger_right=challenger)


@pytest.fixture
def evidence(interval: Callable[..., Interval], replay: Replay) -> Callable[..., Evidence]:
    """Evidence of a step, all of it good."""

    def make(step: int = 1, share: float = 0.05, **changes: object) -> Evidence:
        n = {"requests": 10_000, "units": 10_000}
        got = 10_000 if share >= 1.0 else round(10_000 * share / (1.0 - share))
        n, few = ({**n, "units": 0, "requests": 0} if share >= 1.0 else n), {"requests": got, "units": got}
        visitors = [] if step == 0 else [interval(step, share, champion=n, challenger=few)]
        facts = {
            "step": step,
            "target_share": share if step else 0.0,
            "in_step_s": 1_800.0,
            "intervals": (interval(0, 0.5, simulated=True), *visitors),
            "slow_bound_s": 0.5,
            "replay": replay,
            "pairs": Pairs(
                disagreement=np.full(100, 0.02),
                species={"Parus major": SpeciesPair(both=20, only_champion=1, only_challenger=2)},
                top_probability=np.full((100, 2), 0.8),
            ),
            "champion": HEALTHY,
            "challenger": HEALTHY,
        }
        return Evidence(**{**facts, **changes})

    return make


@pytest.fixture
def record(policy: ReleasePolicy) -> Callable[..., ReleaseRecord]:
    """A release; `changes` are fields of its record."""

    def make(state: str = "step", step: int = 1, **changes: object) -> ReleaseRecord:
        bundles = [BundleIdentity(version=name, manifest_sha256=name * 64, place=name) for name in "ab"]
        share = {"step": policy.steps[step], "baking": 100.0}.get(state, 0.0)
        facts = {
            "release_id": "r1",
            "champion": bundles[0],
            "challenger": bundles[1],
            "policy": policy.model_dump(),
            "began_at": "2026-01-01T00:00:00Z",
            "state": state,
            "step": step if state in ("step", "baking", "held") else 0,
            "share_percent": share,
        }
        return ReleaseRecord(**{**facts, **changes})

    return make
