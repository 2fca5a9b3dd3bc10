"""A world for the judge, in memory: a splitter that splits, servers that count, a clock that tests move.

It is what `serving.canary.interfaces` promises, with the faults that the real ones have: a patch that arrives although
the connection broke, a route that takes a while, instances that begin to count anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from serving.canary.auto import Auto
from serving.canary.clock import iso
from serving.canary.interfaces import ArmName, Counters, RouteState
from serving.canary.judgement import Staged, StagedEvidence
from serving.canary.store import FileStore
from serving.canary.world import World
from silencio.errors import CountsUnreadableError, RegistryError, RouteChangedError, RouteError
from silencio.release.evidence import ArmCounts, ArmHealth, Interval, Replay
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, ReleaseRecord

BEGAN_S = 1_800_000_000.0
OLD, NEW = "a" * 64, "b" * 64


class Killed(BaseException):
    """The process ends here: nothing may catch it."""


@dataclass
class EventClock:
    """Time passes when the judge waits, and things happen in it."""

    now: float = BEGAN_S
    happenings: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    on_passed: Callable[[float], None] = lambda seconds: None

    def now_s(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.let_pass(seconds)

    def let_pass(self, seconds: float) -> None:
        self.now += seconds
        self.on_passed(seconds)
        due = [one for one in self.happenings if one[0] <= self.now]
        self.happenings = [one for one in self.happenings if one[0] > self.now]
        for _, happen in due:
            happen()

    def at(self, seconds: float, happen: Callable[[], None]) -> None:
        self.happenings.append((BEGAN_S + seconds, happen))


@dataclass
class MemoryRoute:
    """A splitter: what it was told, and what it routes."""

    clock: EventClock
    champion: str = OLD
    challenger: str | None = None
    share: float = 0.0
    generation: int = 1
    champion_ready: bool = True
    challenger_ready: bool = True
    restarts: int = 0
    is_settled: bool = True
    shares_seen: list[float] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)

    def state(self) -> RouteState:
        return RouteState(
            share_percent=self.share,
            champion=self.champion,
            challenger=self.challenger,
            generation=str(self.generation),
            is_settled=self.is_settled,
        )

    def check(self, record: ReleaseRecord) -> None:
        pass

    def offer(self, record: ReleaseRecord) -> None:
        if self.challenger != record.challenger.manifest_sha256:
            self._edit(challenger=record.challenger.manifest_sha256, share=0.0)

    def set_share(self, percent: float, *, expected_generation: str) -> None:
        if expected_generation != str(self.generation):
            raise RouteChangedError(f"generation {self.generation}, {expected_generation} expected")
        if self.challenger is None:
            raise RouteError("there is no challenger to give a share")
        self._edit(share=percent)

    def promote(self, record: ReleaseRecord) -> None:
        if self.champion != record.challenger.manifest_sha256:
            self._edit(
                champion=record.challenger.manifest_sha256, challenger=record.champion.manifest_sha256, share=0.0
            )

    def roll_back(self, record: ReleaseRecord) -> None:
        if self.champion != record.champion.manifest_sha256:
            self._edit(champion=record.champion.manifest_sha256, challenger=record.challenger.manifest_sha256)
        if self.share:
            self._edit(share=0.0)

    def retire(self, record: ReleaseRecord) -> None:
        if self.challenger is not None:
            self.retired.append(self.challenger)
            self._edit(challenger=None, share=0.0)

    def health(self) -> Mapping[ArmName, ArmHealth]:
        ready_s = self.clock.now - BEGAN_S + 1_000.0
        return {
            "champion": ArmHealth(ready_s=ready_s if self.champion_ready else None),
            "challenger": ArmHealth(ready_s=ready_s if self.challenger_ready else None, restarts=self.restarts),
        }

    def _edit(self, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self, name, value)
        self.generation += 1
        self.shares_seen.append(self.to(NEW))

    def to(self, bundle: str) -> float:
        """Percent of visitors at a bundle."""
        share = self.share if self.challenger is not None else 0.0
        return (share if self.challenger == bundle else 0.0) + (100.0 - share if self.champion == bundle else 0.0)


@dataclass
class Visitors:
    """Visitors at the route, and the counters of both arms' servers as Prometheus has them."""

    route: MemoryRoute
    units_per_s: float = 60.0
    failing: dict[str, float] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    is_readable: bool = True
    counts: dict[str, dict[str, float]] = field(default_factory=lambda: {OLD: {}, NEW: {}})

    def pass_time(self, seconds: float) -> None:
        for bundle in (OLD, NEW):
            n = self.units_per_s * seconds * self.route.to(bundle) / 100.0
            self._count(bundle, "units", n)
            self._count(bundle, "requests", n)
            for name in ("failed_units", "failed_requests"):
                self._count(bundle, name, n * self.failing.get(bundle, 0.0))
            self._count(bundle, "slow_units", n * self.slow.get(bundle, 0.0))

    def _count(self, bundle: str, name: str, n: float) -> None:
        counts = self.counts[bundle]
        counts[name] = counts.get(name, 0.0) + n

    def restart(self, bundle: str) -> None:
        self.counts[bundle] = {}

    def read(self, at_s: float) -> Mapping[ArmName, Mapping[str, Counters]]:
        if not self.is_readable:
            raise CountsUnreadableError("Prometheus does not answer")
        by_arm: dict[ArmName, str] = {"champion": OLD, "challenger": NEW}
        return {arm: {"one": Counters(values=dict(self.counts[bundle]))} for arm, bundle in by_arm.items()}

    def p95_s(self, at_s: float) -> float | None:
        return 0.5


@dataclass
class MemoryRegistry:
    """MLflow's aliases and tags."""

    champion: str = OLD
    states: list[str] = field(default_factory=list)
    is_away: bool = False

    def note(self, record: ReleaseRecord) -> None:
        self._answer()
        self.states.append(record.state)

    def move_champion(self, record: ReleaseRecord) -> None:
        self._answer()
        self.champion = record.challenger.manifest_sha256

    def _answer(self) -> None:
        if self.is_away:
            raise RegistryError("the MLflow server does not answer")


@dataclass
class MemoryStaging:
    """What was found before visitors."""

    passes_parity: bool = True
    reasons: list[str] = field(default_factory=list)
    replay: Replay | None = None
    n_runs: int = 0

    def parity(self, record: ReleaseRecord) -> bool:
        return self.passes_parity

    def run(self, record: ReleaseRecord) -> Staged:
        self.n_runs += 1
        counts = ArmCounts(requests=200, units=200)
        interval = Interval(step=0, share=0.5, began_s=0, ended_s=1, champion=counts, challenger=counts, simulated=True)
        return Staged(reasons=self.reasons, intervals=[interval])

    def evidence(self, record: ReleaseRecord) -> StagedEvidence:
        return StagedEvidence(replay=self.replay)


def replay(n: int = 90, n_wrong: int = 0) -> Replay:
    """Recordings that the champion has right; the challenger has the first `n_wrong` of them wrong."""
    right = np.ones(n, np.int8)
    challenger = right.copy()
    challenger[:n_wrong] = 0
    return Replay(champion_right=right, challenger_right=challenger)


@dataclass
class Place:
    """One place with a release: all ports, the judge, and what it said."""

    folder: Path
    clock: EventClock = field(default_factory=EventClock)
    messages: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.route = MemoryRoute(self.clock)
        self.visitors = Visitors(self.route)
        self.clock.on_passed = self.visitors.pass_time
        self.registry = MemoryRegistry()
        self.staging = MemoryStaging(replay=replay())
        self.store = FileStore(self.folder)

    def world(self, **others: Any) -> World:
        ports: dict[str, Any] = {
            "route": self.route,
            "counts": self.visitors,
            "store": self.store,
            "registry": self.registry,
            "requests": self.store,
            "staging": self.staging,
            "clock": self.clock,
            "on_message": self.messages.append,
        }
        return World(**{**ports, **others})

    def begin(self, policy: ReleasePolicy | None = None, release_id: str = "r1") -> ReleaseRecord:
        record = ReleaseRecord(
            release_id=release_id,
            champion=BundleIdentity(version="1", manifest_sha256=OLD, place="old"),
            challenger=BundleIdentity(version="2", manifest_sha256=NEW, place="new"),
            policy=(policy or quick_policy()).model_dump(mode="json"),
            began_at=iso(self.clock.now),
            by="ana",
        )
        with self.store.lease("start") as token:
            return self.store.save(record, fencing_token=token)

    def auto(self, max_s: float = 200_000.0, **others: Any) -> ReleaseRecord:
        """Judge until it has ended, waits for a person, or nothing came of it for so long."""
        until_s = self.clock.now + max_s
        found = Auto(self.world(**others)).run(
            "test",
            is_over=lambda record: (
                record is None or record.state == "held" or record.has_ended or self.clock.now >= until_s
            ),
        )
        assert found is not None
        return found

    def watch(self, seconds: float) -> ReleaseRecord:
        """Judge for so long, whatever happens."""
        until_s = self.clock.now + seconds
        found = Auto(self.world()).run("test", is_over=lambda _: self.clock.now >= until_s)
        assert found is not None
        return found


def quick_policy(**changes: Any) -> ReleasePolicy:
    """The policy that ships with times of minutes."""
    shipped = ReleasePolicy.shipped().model_dump(mode="json")
    quick = {"look_every_s": 10.0, "settle_s": 10.0, "min_s": 30.0, "max_s": 3_000.0, "bake_s": 300.0}
    blind = {"blind_freeze_s": 60.0, "blind_return_s": 300.0}
    return ReleasePolicy.model_validate({**shipped, **quick, **blind, **changes})
