"""What is kept of a release: enough to go on after a kill at any moment."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal[
    "staged", "dark", "step", "baking", "promoted", "held", "rolled_back", "refused", "aborted", "superseded"
]
ENDED: frozenset[State] = frozenset({"promoted", "rolled_back", "refused", "aborted", "superseded"})


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BundleIdentity(_Kept):
    """Which bundle an arm serves.

    Attributes:
        version: The bundle's version.
        manifest_sha256: Hash of its manifest: it tells a candidate from what was sealed of it.
        place: Folder or URI that it is served from.
    """

    version: str
    manifest_sha256: str
    place: str


class Intention(_Kept):
    """What is about to be done to the route, written before it is done, deleted when it was confirmed.

    Attributes:
        target: The state that follows.
        step: Place in the policy's steps, where `target` is `step`.
        share_percent: Share that the challenger is to get.
        why: One sentence.
        rule: Rule that asked for it, where one did.
        written_at: ISO 8601, UTC.
        fencing_token: Number of the lease under which it was written.
        route_generation: What the route said of itself before (resourceVersion, revision …).
        by: Who asked for it.
    """

    target: State
    step: int = 0
    share_percent: float = 0.0
    why: str = ""
    rule: str | None = None
    written_at: str
    fencing_token: int = 0
    route_generation: str = ""
    by: str = "auto"


class Event(_Kept):
    """One line of the release's history.

    Attributes:
        at: ISO 8601, UTC.
        state: State from now on.
        share_percent: Share from now on.
        why: One sentence.
        by: Who: a person's name, or the judge's.
    """

    at: str
    state: State
    share_percent: float
    why: str
    by: str


class ReleaseRecord(_Kept):
    """A release as it stands: written whole, atomically, before and after everything that is done.

    Attributes:
        schema_version: Version of this record's fields.
        release_id: Also the salt of the draw which sessions see the challenger.
        champion: What served before.
        challenger: What is offered.
        policy: The policy as it held at the start, as a mapping.
        state: Where the release stands.
        step: Place in the policy's steps.
        share_percent: The challenger's share as last confirmed.
        began_at: ISO 8601, UTC.
        step_began_at: When the share of this step was confirmed.
        held_from: State to go on from, where `state` is `held`.
        why: Sentence of the last change.
        rule: Rule that decided it, where one did.
        by: Who began it.
        slow_bound_s: Frozen at the start.
        intention: What is being done; None: nothing.
        counters: Cumulative counters as read last, as the driver keeps them.
        intervals: Those of the evidence so far, as mappings.
        approvals: Gates that a person has opened: name -> by whom.
        history: All that happened.
        outstanding: What still has to be done outside the route, written before it is done: `note`, `move_champion`,
            `retire`.
        blind_since: When counts could last not be read any more; None: they can be.
        counting_from: When the share had settled: what happened before counts in no interval.
        parity_passed: Whether the challenger's parity clips, replayed through its endpoint, gave the bundle's numbers.
        was_staged: Whether everything that is seen before a visitor has been (simulated users, load).
        route_identities: What the route calls the bundles behind its arms, as seen when the challenger was there.
        cpu_s_per_window: CPU seconds a window by arm, while simulated users asked both alike: with visitors, an arm of
            few windows would be charged with what a server takes when it is idle, and with its start.
        is_aa: Whether both arms are the same bundle, by wish.
        verdicts: What every rule found at the last look, as mappings.
        trace: E-values by rule over time, thinned: for the page's picture.
        version: Grows with each write.
    """

    schema_version: Literal[1] = 1
    release_id: str
    champion: BundleIdentity
    challenger: BundleIdentity
    policy: dict[str, Any]
    state: State = "staged"
    step: int = 0
    share_percent: float = 0.0
    began_at: str
    step_began_at: str | None = None
    held_from: State | None = None
    why: str = ""
    rule: str | None = None
    by: str = ""
    slow_bound_s: float | None = None
    intention: Intention | None = None
    counters: dict[str, Any] = Field(default_factory=dict)
    intervals: tuple[dict[str, Any], ...] = ()
    approvals: dict[str, str] = Field(default_factory=dict)
    history: tuple[Event, ...] = ()
    outstanding: tuple[str, ...] = ()
    blind_since: str | None = None
    counting_from: str | None = None
    parity_passed: bool | None = None
    was_staged: bool = False
    route_identities: dict[str, str] = Field(default_factory=dict)
    cpu_s_per_window: dict[str, float] = Field(default_factory=dict)
    is_aa: bool = False
    verdicts: tuple[dict[str, Any], ...] = ()
    trace: tuple[dict[str, Any], ...] = ()
    version: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing more follows by itself."""
        return self.state in ENDED

    @property
    def exposed_state(self) -> State:
        """The state that it is in, or was in before it was held: who meets the challenger goes by it."""
        return self.held_from or self.state if self.state == "held" else self.state
