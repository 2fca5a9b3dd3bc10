"""States of a release and what may follow on what: pure functions from a record to the next record.

Whoever carries a release out writes down what it is about to do (`intend`), does it, and writes down that it was done
(`confirm`): killed anywhere, the record says what to take up.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from silencio.errors import ReleaseRefusedError
from silencio.release.decision import Decision
from silencio.release.policy import ReleasePolicy
from silencio.release.record import ENDED, Event, Intention, ReleaseRecord, State

_ALWAYS: frozenset[State] = frozenset({"held", "aborted", "superseded"})
# What may follow; from `held` to where it came from only, from `step` to the next one only.
TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        "staged": _ALWAYS | {"dark", "refused"},
        "dark": _ALWAYS | {"step", "refused"},
        "step": _ALWAYS | {"step", "baking", "rolled_back"},
        "baking": _ALWAYS | {"promoted", "rolled_back"},
        "held": _ALWAYS | {"staged", "dark", "step", "baking", "rolled_back", "refused"},
        **{ended: frozenset() for ended in ENDED},
    }
)
# They take the visitors away, and are carried out whatever else was begun.
URGENT: frozenset[State] = frozenset({"held", "rolled_back", "refused", "aborted", "superseded"})


def check_transition(record: ReleaseRecord, target: State, step: int, share_percent: float) -> None:
    """Whether a release may go on so.

    Args:
        record: The release as it stands.
        target: State that is to follow.
        step: Place in the policy's steps, of the state that follows.
        share_percent: Share that is to follow.

    Raises:
        ReleaseRefusedError: It may not: one sentence with both states.
    """
    state, release = record.state, record.release_id
    if target not in TRANSITIONS[state]:
        after = ", ".join(sorted(TRANSITIONS[state])) or "nothing: it has ended, begin another release"
        raise ReleaseRefusedError(f"release {release} is {state}, on which {target} cannot follow (what can: {after})")
    exposed = record.held_from if state == "held" else state
    if state == "held" and target in ("staged", "dark", "step", "baking") and (target, step) != (exposed, record.step):
        raise ReleaseRefusedError(
            f"release {release} is held in {exposed}, step {record.step}: it goes on from there, not from {target}, "
            f"step {step}"
        )
    if target == "refused" and exposed not in ("staged", "dark"):
        raise ReleaseRefusedError(f"release {release} has met visitors ({exposed}): roll it back, refusing is too late")
    if target == "rolled_back" and exposed not in ("step", "baking"):
        raise ReleaseRefusedError(f"release {release} has met no visitor ({exposed}): refuse or abort it")
    expected = record.step + 1 if target == "step" and state != "held" else record.step
    if step != expected:
        raise ReleaseRefusedError(
            f"release {release} is at step {record.step}: {target} follows with step {expected}, not {step}"
        )
    steps = ReleasePolicy.model_validate(record.policy).steps
    if target == "step" and not 0 < step < len(steps):
        raise ReleaseRefusedError(f"release {release} has the steps 1 to {len(steps) - 1}: there is no step {step}")
    if target in ("baking", "promoted") and step != len(steps) - 1:
        raise ReleaseRefusedError(
            f"release {release} is at step {record.step} of {len(steps) - 1}: {target} follows on the last one"
        )
    shares = _allowed_shares(record, target, steps, step)
    if share_percent not in shares:
        allowed = " or ".join(f"{one:g} %" for one in sorted(shares))
        raise ReleaseRefusedError(f"{target} of release {release} has {allowed} of visitors, not {share_percent:g} %")


def _allowed_shares(record: ReleaseRecord, target: State, steps: list[float], step: int) -> set[float]:
    """Held, a release keeps its visitors or gives them back; everything else has one share."""
    if target == "held":
        return {record.share_percent, 0.0}
    return {steps[step] if target == "step" else 100.0 if target in ("baking", "promoted") else 0.0}


def intend(
    record: ReleaseRecord,
    decision: Decision,
    *,
    written_at: str,
    fencing_token: int = 0,
    route_generation: str = "",
) -> ReleaseRecord:
    """The record with what is about to be done; to be kept before it is done.

    Args:
        record: The release as it stands.
        decision: What `decide` or a person wants; one that changes nothing is refused.
        written_at: Now, ISO 8601, UTC.
        fencing_token: Number of the lease under which it is done.
        route_generation: What the route says of itself before.

    Raises:
        ReleaseRefusedError: It may not follow, or something else has been begun and is not urgent.
    """
    if not decision.changes:
        raise ReleaseRefusedError(f"release {record.release_id}: {decision.action} changes nothing that could be begun")
    begun = record.intention
    if begun is not None and begun.target != decision.target and decision.target not in URGENT:
        raise ReleaseRefusedError(
            f"release {record.release_id} is on its way to {begun.target} since {begun.written_at}: finish that before "
            f"{decision.target}"
        )
    check_transition(record, decision.target, decision.step, decision.share_percent)
    intention = Intention(
        target=decision.target,
        step=decision.step,
        share_percent=decision.share_percent,
        why=decision.why,
        rule=decision.rule,
        written_at=written_at,
        fencing_token=fencing_token,
        route_generation=route_generation,
    )
    return record.model_copy(update={"intention": intention})


def confirm(record: ReleaseRecord, *, at: str, by: str) -> ReleaseRecord:
    """The record after its intention was done; without one nothing changes.

    Args:
        record: The release with its intention.
        at: Now, ISO 8601, UTC: when the share was confirmed on the route.
        by: Who: a person's name, or the judge's.

    Raises:
        ReleaseRefusedError: What was intended may not follow: the record was edited by hand.
    """
    done = record.intention
    if done is None:
        return record
    check_transition(record, done.target, done.step, done.share_percent)
    event = Event(at=at, state=done.target, share_percent=done.share_percent, why=done.why, by=by)
    was_held = record.state == "held"
    changes = {
        "state": done.target,
        "step": done.step,
        "share_percent": done.share_percent,
        "step_began_at": record.step_began_at if done.target == "held" else at,
        "held_from": (record.held_from if was_held else record.state) if done.target == "held" else None,
        "why": done.why,
        "rule": done.rule,
        "intention": None,
        "history": (*record.history, event),
    }
    return record.model_copy(update=changes)


def drop(record: ReleaseRecord) -> ReleaseRecord:
    """The record without its intention: it was not done, and will not be."""
    return record.model_copy(update={"intention": None})


def approve(record: ReleaseRecord, gate: str, *, by: str, reason: str, at: str) -> ReleaseRecord:
    """The record with one gate opened by a person.

    Args:
        record: The release as it stands.
        gate: `increase:25`, `promotion`, or `hold:RULE` for a rule that a release is held by.
        by: Who.
        reason: Why, for the history.
        at: Now, ISO 8601, UTC.

    Raises:
        ReleaseRefusedError: The release has ended, nobody or no reason is named, or there is no such gate.
    """
    if record.has_ended:
        raise ReleaseRefusedError(f"release {record.release_id} is {record.state}: there is nothing to approve")
    if not by.strip() or not reason.strip():
        raise ReleaseRefusedError("an approval has a name and a reason: say by whom and why")
    policy = ReleasePolicy.model_validate(record.policy)
    gates = [f"increase:{step:g}" for step in policy.steps[1:]] + [
        "promotion",
        *(f"hold:{name}" for name in policy.rules),
    ]
    if gate not in gates:
        raise ReleaseRefusedError(f"there is no gate {gate!r}: choose from {', '.join(gates)}")
    words = f"approved {gate}: {reason}"
    event = Event(at=at, state=record.state, share_percent=record.share_percent, why=words, by=by)
    return record.model_copy(update={"approvals": {**record.approvals, gate: by}, "history": (*record.history, event)})


def pause(record: ReleaseRecord, *, by: str, reason: str) -> Decision:
    """A person holds the release where it is; visitors stay where they are."""
    _must_run(record, "pause")
    if record.state == "held":
        raise ReleaseRefusedError(f"release {record.release_id} is held already: {record.why}")
    words = f"Paused by {by}: {reason}"
    return Decision("hold", target="held", step=record.step, share_percent=record.share_percent, why=words)


def resume(record: ReleaseRecord, *, by: str, reason: str) -> Decision:
    """A person lets a held release go on from where it was, with the share that it had there."""
    _must_run(record, "resume")
    if record.state != "held" or record.held_from is None:
        raise ReleaseRefusedError(
            f"release {record.release_id} is {record.state}, not held: there is nothing to resume"
        )
    steps = ReleasePolicy.model_validate(record.policy).steps
    target = record.held_from
    share = steps[record.step] if target in ("step", "baking") else 0.0
    return Decision("resume", target=target, step=record.step, share_percent=share, why=f"Resumed by {by}: {reason}")


def roll_back(record: ReleaseRecord, *, by: str, reason: str) -> Decision:
    """A person takes all visitors back; before any visitor it is a refusal."""
    _must_run(record, "roll back")
    exposed = record.held_from if record.state == "held" else record.state
    words = f"{by}: {reason}"
    if exposed in ("staged", "dark") and not (record.intention and record.intention.target == "step"):
        return Decision("refuse", target="refused", step=record.step, share_percent=0.0, why=words)
    if exposed in ("staged", "dark"):
        # Killed on the way to the first step: nobody knows whether the share was raised, so all of it is taken back.
        return Decision("abort", target="aborted", step=record.step, share_percent=0.0, why=words)
    return Decision("roll_back", target="rolled_back", step=record.step, share_percent=0.0, why=words)


def abort(record: ReleaseRecord, *, by: str, reason: str) -> Decision:
    """A person ends the release without a verdict on the bundle."""
    _must_run(record, "abort")
    return Decision("abort", target="aborted", step=record.step, share_percent=0.0, why=f"Aborted by {by}: {reason}")


def supersede(record: ReleaseRecord, *, by: str, other: str) -> Decision:
    """Another bundle is offered instead.

    Args:
        record: The release as it stands.
        by: Who.
        other: Version of the other bundle.
    """
    _must_run(record, "supersede")
    words = f"Superseded by bundle {other} ({by})"
    return Decision("supersede", target="superseded", step=record.step, share_percent=0.0, why=words)


def _must_run(record: ReleaseRecord, verb: str) -> None:
    if record.has_ended:
        raise ReleaseRefusedError(
            f"release {record.release_id} is {record.state} ({record.why}): it cannot {verb}; begin another release"
        )
