"""Made-up releases, decided look by look by the real rules: `apply_rules`, `decide` and the record's transitions.

Users come in sessions whose requests fail together, share by share as the policy has it; both arms live in the same
hours, in which more or less of them come and more or less of them fail. What is drawn is only what servers would count,
and which labelled recordings two bundles have right.

Most looks change nothing, and a look costs a millisecond: those at which no rule can fail, by a bound on its evidence
that holds whatever its alternatives are, are left out (`may_fail`), and so is a replay that surely passes. No ending is
another one by that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from benchmarks.proofs.slice_gate import replay_may_fail
from silencio.release.count_rules import compared_alpha
from silencio.release.decision import decide
from silencio.release.evidence import ArmCounts, ArmHealth, Evidence, Interval, Pairs, Replay, SpeciesPair
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, ReleaseRecord
from silencio.release.rules import RULES, apply_rules
from silencio.release.sequential_counts import Exposure
from silencio.release.states import confirm, intend
from silencio.release.verdict import RuleVerdict

_NOW = "2026-01-01T00:00:00Z"
_BUNDLE = BundleIdentity(version="1", manifest_sha256="0" * 64, place="here")
_HEALTH = ArmHealth(parity_passed=True, ready_s=1e6, resident_bytes=5e8, cpu_s_per_window=0.01)
# Looks at simulated users, before any visitor; and at visitors at 100 %, when nothing is compared any more.
_DARK_LOOKS = 4
_LAST_LOOKS = 4
_STORM_FAILED_SHARE = 0.3
# Of the slow sessions, those that are beyond the absolute limit too.
_BEYOND_LIMIT_SHARE = 0.1
# Their evidence is there before any visitor and does not grow here, so that they say the same at every look.
_OF_ANSWERS = ("replay", "disagreement", "species", "confidence")
# A split that is found lies further from the share that was set, in standard deviations of chance.
_MIN_SPLIT_DEVIATIONS = 2.5
# Of slow sessions, so many may be beyond the absolute limit.
_MAX_BEYOND_SHARE = 0.05
# A half of the 90 % interval is 1.645 of them.
_NARROW_DEVIATIONS = 1.75
# Rules on counts, in the order of `World.shares`.
_COUNTED = ("errors", "slow", "rejections")


@dataclass(frozen=True, kw_only=True)
class World:
    """What both arms meet. Shares are of sessions.

    Attributes:
        champion_failed: Share of the champion's sessions that fail.
        challenger_failed: The same of the challenger's.
        champion_slow: Share of the champion's sessions that are slow.
        challenger_slow: The same of the challenger's.
        champion_rejected: Share of the champion's sessions that are rejected.
        challenger_rejected: The same of the challenger's.
        requests_per_session: Requests of a session; in one that fails, all of them fail.
        sessions_per_step: Sessions of the challenger in a step.
        storm_share: Share of looks in which what both arms use fails, three sessions in ten.
        looks_per_step: Looks at a step until its least time is over.
        tide: How much more sessions come, and how much more of them fail, at the worst hour than at the mean one.
        replayed: Labelled recordings, in slices of twenty.
        replay_discordant: Share of them that one of the two alone has right, either as often.
        n_species: Species that are detected in them.
        disagreement: Mean share of a recording's windows in which the detected species differ.
    """

    champion_failed: float = 0.002
    challenger_failed: float = 0.002
    champion_slow: float = 0.05
    challenger_slow: float = 0.05
    champion_rejected: float = 0.002
    challenger_rejected: float = 0.002
    requests_per_session: int = 10
    sessions_per_step: int = 300
    storm_share: float = 0.0
    looks_per_step: int = 20
    tide: float = 0.8
    replayed: int = 100
    replay_discordant: float = 0.2
    n_species: int = 30
    disagreement: float = 0.08

    @property
    def is_equal(self) -> bool:
        """Whether both arms are alike."""
        return all(champion == challenger for champion, challenger in self.shares.values())

    @property
    def shares(self) -> Mapping[str, tuple[float, float]]:
        """Of champion and challenger, by field of `ArmCounts`."""
        return {
            "failed_units": (self.champion_failed, self.challenger_failed),
            "slow_units": (self.champion_slow, self.challenger_slow),
            "rejected_units": (self.champion_rejected, self.challenger_rejected),
        }


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


def simulate(
    world: World, n_releases: int, *, seed: int, policy: ReleasePolicy | None = None, every_look: bool = False
) -> list[Ending]:
    """Carry releases out until they are promoted, held or stopped.

    Args:
        world: What both arms meet.
        n_releases: How many.
        seed: Seed of all draws.
        policy: Another one than the one that ships.
        every_look: Also those looks at which no rule can fail, and every replay.
    """
    policy = policy or ReleasePolicy.shipped()
    rng = np.random.default_rng(seed)
    drawn = [_draw_step(world, policy, step, n_releases, rng) for step in [*range(len(policy.steps)), -1]]
    known = _of_answers(policy, world, rng, None)
    passed = next((one for one in known[1] if one.rule == "replay" and one.outcome == "pass" and not every_look), None)
    endings = []
    for k in range(n_releases):
        # Answers of a challenger that users stop are as good as the champion's: drawn once for all.
        known = _of_answers(policy, world, rng, passed) if world.is_equal else known
        steps = [step[k] for step in drawn]
        kept = [np.ones(len(one), bool) for one in steps] if every_look else may_fail(policy, steps)
        endings.append(_release(policy, world, known, steps, kept))
    return endings


def _draw_step(
    world: World, policy: ReleasePolicy, step: int, n_releases: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Running sums of both arms' sessions, then of the events of `World.shares`: (n_releases, n_looks, 2 arms, 4)."""
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
    events = [rng.binomial(n, np.minimum(np.array(pair) * tide[:, :, None], 1.0)) for pair in world.shares.values()]
    events[0] = np.where(storm[:, :, None], rng.binomial(n, _STORM_FAILED_SHARE), events[0])
    return np.cumsum(np.stack([n, *events], axis=3), axis=1)


def _draw_answers(world: World, rng: np.random.Generator) -> tuple[Replay, Pairs]:
    """Labelled recordings, seven of ten right, as two trainings of one recipe answer them."""
    n, half = world.replayed, world.replay_discordant / 2
    draw, both = rng.random(n), rng.random(n) < 0.7
    right = [np.where(draw < half, first, np.where(draw < 2 * half, 1 - first, both)) for first in (0, 1)]
    champion, challenger = (values.astype(np.int8) for values in right)
    slices = {f"slice {number}": np.arange(n) // 20 == number for number in range(n // 20)}
    differing = rng.poisson(2.0, world.n_species)
    gained = rng.binomial(differing, 0.5)
    species = {
        f"species {number}": SpeciesPair(both=10, only_champion=int(m - g), only_challenger=int(g))
        for number, (m, g) in enumerate(zip(differing, gained, strict=True))
    }
    top = np.clip(0.8 + 0.1 * rng.standard_normal((n, 2)), 0.0, 1.0)
    pairs = Pairs(disagreement=rng.beta(1.0, 1.0 / world.disagreement - 1.0, n), species=species, top_probability=top)
    return Replay(champion_right=champion, challenger_right=challenger, slices=slices), pairs


def _of_answers(
    policy: ReleasePolicy, world: World, rng: np.random.Generator, passed: RuleVerdict | None
) -> tuple[Evidence, list[RuleVerdict]]:
    """What is known of a release but its counts, and what the rules say of it that look at answers.

    Args:
        policy: The policy.
        world: What both arms meet.
        rng: Source of the draws.
        passed: What the replay says where it surely passes; None: it is worked out, which takes as long as fifty looks.
    """
    replay, pairs = _draw_answers(world, rng)
    known = Evidence(replay=replay, pairs=pairs, slow_bound_s=0.5, champion=_HEALTH, challenger=_HEALTH)
    kept = [passed] if passed and _surely_passes(policy, replay) else []
    names = [name for name in _OF_ANSWERS if name not in {one.rule for one in kept}]
    return known, [*kept, *apply_rules(policy, known, [rule for rule in RULES if rule.name in names])]


def _surely_passes(policy: ReleasePolicy, replay: Replay) -> bool:
    """Whether no group reaches the rule's level by itself, and the interval is narrow whatever it is exactly."""
    settings, n = policy.rules.get("replay"), len(replay.champion_right)
    if settings is None or settings.alpha is None or n < policy.min_replay:
        return False
    members = np.stack([np.ones(n, bool), *replay.slices.values()], axis=1)
    right = replay.champion_right == 1, replay.challenger_right == 1
    is_narrow = np.sqrt((right[0] != right[1]).mean() / n) * _NARROW_DEVIATIONS < 0.10
    return bool(is_narrow) and not replay_may_fail(*right, members, settings.alpha)


def may_fail(policy: ReleasePolicy, steps: Sequence[NDArray[np.int64]]) -> list[NDArray[np.bool_]]:
    """At which looks of each step a rule on counts may fail, the first and the last one of a step always among them.

    The likelihood ratio of any rate above the tolerance is at most that of the likeliest one, in every stretch by
    itself; so is the mean of such ratios. What is at most its absolute limit is no evidence of being above it.

    Args:
        policy: The policy.
        steps: Running sums of each step, the bake's last, (n_looks, 2 arms, 4).
    """
    shares = [0.5, *(step / 100.0 for step in policy.steps[1:]), 1.0]
    past, n_before, found = np.zeros(len(_COUNTED)), np.zeros(1 + len(_COUNTED)), []
    for share, counts in zip(shares, steps, strict=True):
        champion, challenger = counts[:, 0].astype(float), counts[:, 1].astype(float)
        both = champion[:, 0] + challenger[:, 0]
        looks = np.abs(challenger[:, 0] - share * both) > _MIN_SPLIT_DEVIATIONS * np.sqrt(share * (1 - share) * both)
        total = n_before + challenger
        for number, rule in enumerate(_COUNTED, start=1):
            settings = policy.rules.get(rule)
            if settings is None or settings.tolerance is None:
                continue
            exposure = Exposure(
                target_share=share,
                champion_units=champion[:, 0],  # type: ignore[arg-type]
                challenger_units=challenger[:, 0],  # type: ignore[arg-type]
                champion_events=0,
                challenger_events=0,
            )
            bound = past[number - 1] + _largest_log_ratio(
                exposure.share, settings.tolerance, champion[:, number], challenger[:, number]
            )
            looks |= bound >= -math.log(compared_alpha(settings))
            if rule == "errors" and settings.limit is not None:
                looks |= total[:, number] > settings.limit * total[:, 0]
            if rule == "slow" and settings.limit is not None:
                looks |= _BEYOND_LIMIT_SHARE * total[:, number] + 1 > _MAX_BEYOND_SHARE * total[:, 0]
            past[number - 1] = bound[-1]
        looks[[0, -1]] = True
        n_before = total[-1]
        found.append(looks)
    return found


def _largest_log_ratio(
    share: Any, tolerance: float, champion: NDArray[np.float64], challenger: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of events in one stretch: the log likelihood ratio of their likeliest rate against the tolerance."""
    n = champion + challenger
    at_tolerance = share * tolerance / (share * tolerance + 1 - share)
    found = np.divide(challenger, n, out=np.zeros_like(n), where=n > 0)
    with np.errstate(invalid="ignore"):  # at 100 % nothing is compared
        ratio = n * (rel_entr(found, at_tolerance) + rel_entr(1 - found, 1 - at_tolerance))
    return np.where((found > at_tolerance) & (n > 0), ratio, 0.0)


def _release(
    policy: ReleasePolicy,
    world: World,
    answers: tuple[Evidence, list[RuleVerdict]],
    steps: list[NDArray[np.int64]],
    kept: list[NDArray[np.bool_]],
) -> Ending:
    """One release, look by look."""
    known, of_answers = answers
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
        place = -1 if record.state == "baking" else record.step
        interval = None
        for interval, in_step_s in _looks(policy, world, record, steps[place], kept[place]):
            evidence = replace(
                known,
                step=record.step,
                target_share=record.share_percent / 100.0,
                in_step_s=in_step_s,
                intervals=[*past, interval],
            )
            decision = decide(policy, record, evidence, _verdicts(policy, evidence, of_answers))
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


def _verdicts(policy: ReleasePolicy, evidence: Evidence, of_answers: Sequence[RuleVerdict]) -> list[RuleVerdict]:
    """Those of every rule in their order; rules whose evidence stays the same are applied once a release."""
    looked_at = apply_rules(policy, evidence, [rule for rule in RULES if rule.name not in _OF_ANSWERS])
    verdicts = {one.rule: one for one in (*of_answers, *looked_at)}
    return [verdicts[rule.name] for rule in RULES]


def _looks(
    policy: ReleasePolicy,
    world: World,
    record: ReleaseRecord,
    counts: NDArray[np.int64],
    kept: NDArray[np.bool_],
) -> Iterator[tuple[Interval, float]]:
    """What has been counted in a step at each look, as one interval; and after the last one, as long as it may take."""
    is_dark = record.state == "dark"
    min_s = policy.bake_s if record.state == "baking" else policy.min_s
    for look in (np.flatnonzero(kept) + 1).tolist():
        champion, challenger = counts[look - 1]
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
    """As servers count it: all requests of a failed session fail, one of a rejected one is."""
    n, *events = (int(count) for count in counts)
    units = dict(zip(world.shares, events, strict=True))
    return ArmCounts(
        requests=n * world.requests_per_session,
        failed_requests=units["failed_units"] * world.requests_per_session,
        rejected_requests=units["rejected_units"],
        units=n,
        beyond_limit_units=round(units["slow_units"] * _BEYOND_LIMIT_SHARE),
        **units,
    )
