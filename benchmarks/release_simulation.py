"""Made-up releases, decided look by look by the real rules: `apply_rules`, `decide` and the record's transitions.

Users come in sessions whose requests fail together, share by share as the policy has it; both arms live in the same
hours, in which more or less of them come and more or less of them fail. What is drawn is only what servers would count.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.release.decision import decide
from silencio.release.evidence import ArmCounts, ArmHealth, Evidence, Interval
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, ReleaseRecord
from silencio.release.rules import apply_rules
from silencio.release.states import confirm, intend

_NOW = "2026-01-01T00:00:00Z"
_BUNDLE = BundleIdentity(version="1", manifest_sha256="0" * 64, place="here")
_HEALTH = ArmHealth(parity_passed=True, ready_s=1e6)
# Looks at simulated users, before any visitor; and at visitors at 100 %, when nothing is compared any more.
_DARK_LOOKS = 4
_LAST_LOOKS = 4
_STORM_FAILED_SHARE = 0.3


@dataclass(frozen=True, kw_only=True)
class World:
    """What both arms meet. Shares are of sessions.

    Attributes:
        champion_failed: Share of the champion's sessions that fail.
        challenger_failed: The same of the challenger's.
        champion_slow: Share of the champion's sessions that are slow.
        challenger_slow: The same of the challenger's.
        requests_per_session: Requests of a session; in one that fails, all of them fail.
        sessions_per_step: Sessions of the challenger in a step.
        storm_share: Share of looks in which what both arms use fails, three sessions in ten.
        looks_per_step: Looks at a step until its least time is over.
        tide: How much more sessions come, and how much more of them fail, at the worst hour than at the mean one.
    """

    champion_failed: float = 0.002
    challenger_failed: float = 0.002
    champion_slow: float = 0.05
    challenger_slow: float = 0.05
    requests_per_session: int = 10
    sessions_per_step: int = 300
    storm_share: float = 0.0
    looks_per_step: int = 20
    tide: float = 0.8


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a release ended.

    Attributes:
        state: State that it ended in.
        rule: Rule that decided it; empty where none did.
        step: Place in the policy's steps.
        challenger_sessions: Sessions of the challenger until then, simulated ones among them.
        visitors: Those of `challenger_sessions` that were visitors.
    """

    state: str
    rule: str
    step: int
    challenger_sessions: int
    visitors: int


def policy_of_users() -> ReleasePolicy:
    """The policy that ships, but for labelled recordings, which have one look, and for rejections, of which none is."""
    policy = ReleasePolicy.shipped()
    rules = {name: settings for name, settings in policy.rules.items() if name not in ("replay", "rejections")}
    return policy.model_copy(update={"rules": rules})


def simulate(world: World, n_releases: int, *, seed: int, policy: ReleasePolicy | None = None) -> list[Ending]:
    """Carry releases out until they are promoted, held or stopped.

    Args:
        world: What both arms meet.
        n_releases: How many.
        seed: Seed of all draws.
        policy: Another one than `policy_of_users`.
    """
    policy = policy or policy_of_users()
    rng = np.random.default_rng(seed)
    drawn = [_draw_step(world, policy, step, n_releases, rng) for step in [*range(len(policy.steps)), -1]]
    return [_release(policy, world, [step[k] for step in drawn]) for k in range(n_releases)]


def _draw_step(
    world: World, policy: ReleasePolicy, step: int, n_releases: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Running sums of sessions, failed and slow ones of both arms: int64 (n_releases, n_looks, 2 arms, 3)."""
    if step == 0:
        sessions = math.ceil(policy.min_simulated_requests / world.requests_per_session / 2)
        dealt = np.diff(np.linspace(0, sessions, _DARK_LOOKS + 1).round()).astype(np.int64)
        n = np.broadcast_to(dealt[None, :, None], (n_releases, _DARK_LOOKS, 2))
        tide = np.ones((n_releases, _DARK_LOOKS))
    else:
        share = policy.steps[step] / 100.0
        n_looks = min(world.looks_per_step, _LAST_LOOKS) if share == 1.0 else world.looks_per_step
        hours = np.linspace(0, 2 * np.pi, n_looks) + rng.uniform(0, 2 * np.pi, (n_releases, 1))
        expected = world.sessions_per_step / share / n_looks * (1 + world.tide * np.sin(hours + 1.0))
        comes = rng.poisson(expected)
        challenger = rng.binomial(comes, share)
        n = np.stack([comes - challenger, challenger], axis=2)
        tide = 1 + world.tide * np.sin(hours)
    storm = rng.random(tide.shape) < world.storm_share
    failed, slow = (
        rng.binomial(n, np.minimum(np.array(shares) * tide[:, :, None], 1.0))
        for shares in (
            (world.champion_failed, world.challenger_failed),
            (world.champion_slow, world.challenger_slow),
        )
    )
    failed = np.where(storm[:, :, None], rng.binomial(n, _STORM_FAILED_SHARE), failed)
    return np.cumsum(np.stack([n, failed, slow], axis=3), axis=1)


def _release(policy: ReleasePolicy, world: World, steps: list[NDArray[np.int64]]) -> Ending:
    """One release, look by look."""
    record = ReleaseRecord(
        release_id="made-up",
        champion=_BUNDLE,
        challenger=_BUNDLE,
        policy=policy.model_dump(),
        began_at=_NOW,
        state="dark",
    )
    past: list[Interval] = []
    while record.state in ("dark", "step", "baking"):
        counts = steps[-1 if record.state == "baking" else record.step]
        interval = None
        for interval, in_step_s in _looks(policy, world, record, counts):
            evidence = Evidence(
                step=record.step,
                target_share=record.share_percent / 100.0,
                in_step_s=in_step_s,
                intervals=[*past, interval],
                slow_bound_s=0.5,
                champion=_HEALTH,
                challenger=_HEALTH,
            )
            decision = decide(policy, record, evidence, apply_rules(policy, evidence))
            if decision.changes:
                record = confirm(intend(record, decision, written_at=_NOW), at=_NOW, by="simulation")
                break
        else:
            break  # the step's traffic was too little: it waits
        past.append(interval)
    total = [interval.challenger.units for interval in past]
    return Ending(
        state=record.state,
        rule=record.rule or "",
        step=record.step,
        challenger_sessions=sum(total),
        visitors=sum(total[1:]),
    )


def _looks(
    policy: ReleasePolicy, world: World, record: ReleaseRecord, counts: NDArray[np.int64]
) -> Iterator[tuple[Interval, float]]:
    """What has been counted in a step at each look, as one interval; and after the last one, as long as it may take."""
    is_dark = record.state == "dark"
    min_s = policy.bake_s if record.state == "baking" else policy.min_s
    for look, (champion, challenger) in enumerate(counts, start=1):
        in_step_s = min_s * look / len(counts)
        interval = Interval(
            step=record.step,
            share=0.5 if is_dark else record.share_percent / 100.0,
            began_s=0.0,
            ended_s=in_step_s,
            champion=_arm(world, champion),
            challenger=_arm(world, challenger),
            simulated=is_dark,
        )
        yield interval, in_step_s


def _arm(world: World, counts: NDArray[np.int64]) -> ArmCounts:
    n, failed, slow = (int(count) for count in counts)
    each = world.requests_per_session
    return ArmCounts(requests=n * each, failed_requests=failed * each, units=n, failed_units=failed, slow_units=slow)
