"""How a record changes around a move: `silencio.release.states` says what may follow, here is what the driver adds."""

from __future__ import annotations

from typing import Any

from serving.canary.clock import iso
from serving.canary.interfaces import RouteState
from silencio.release.decision import Decision
from silencio.release.policy import ReleasePolicy
from silencio.release.record import ENDED, ReleaseRecord, State
from silencio.release.states import confirm, intend


def policy_of(record: ReleaseRecord) -> ReleasePolicy:
    """The policy under which the release began; one that was edited since changes nothing."""
    return ReleasePolicy.model_validate(record.policy)


def begun(
    record: ReleaseRecord, decision: Decision, *, at_s: float, token: int, generation: str = "", by: str = "auto"
) -> ReleaseRecord:
    """The record with what is about to be done, and who wants it.

    Raises:
        ReleaseRefusedError: It may not follow.
    """
    record = intend(record, decision, written_at=iso(at_s), fencing_token=token, route_generation=generation)
    assert record.intention is not None
    return record.model_copy(update={"intention": record.intention.model_copy(update={"by": by})})


def done(record: ReleaseRecord, confirmed: RouteState | None, *, at_s: float) -> ReleaseRecord:
    """The record after its intention was confirmed: settling begins, and what is outstanding elsewhere is written down.

    Args:
        record: The release with its intention.
        confirmed: What the route said of itself then; None: nothing was to be changed there.
        at_s: Now.
    """
    intention = record.intention
    assert intention is not None
    has_moved = intention.share_percent != record.share_percent or intention.target != "held"
    after = confirm(record, at=iso(at_s), by=intention.by)
    changes: dict[str, Any] = {"outstanding": _with(record.outstanding, _outstanding_at(intention.target))}
    if has_moved:
        # Intervals begin anew after the settling.
        changes |= {"counting_from": iso(at_s + policy_of(record).settle_s), "counters": {}}
    if intention.target == "dark" and confirmed is not None:
        changes["route_identities"] = {"champion": confirmed.champion, "challenger": confirmed.challenger or ""}
    return after.model_copy(update=changes)


def held(record: ReleaseRecord, why: str, *, at_s: float, token: int, rule: str | None = None) -> ReleaseRecord:
    """The record of a release that waits for a person, its share as it is; one that is held already stays so."""
    if record.state == "held":
        return record
    decision = Decision("hold", target="held", step=record.step, share_percent=record.share_percent, why=why, rule=rule)
    return done(begun(record, decision, at_s=at_s, token=token), None, at_s=at_s)


def back(record: ReleaseRecord, why: str, rule: str | None = None) -> Decision:
    """Every visitor to the champion: refused before any met the challenger, rolled back after."""
    exposed = record.exposed_state
    if exposed in ("step", "baking"):
        return Decision("roll_back", target="rolled_back", step=record.step, share_percent=0.0, why=why, rule=rule)
    if record.intention is not None and record.intention.target == "step":
        # Nobody knows whether the share had been raised.
        return Decision("abort", target="aborted", step=record.step, share_percent=0.0, why=why, rule=rule)
    return Decision("refuse", target="refused", step=record.step, share_percent=0.0, why=why, rule=rule)


def _outstanding_at(target: State) -> tuple[str, ...]:
    if target == "promoted":
        return ("move_champion", "retire", "note")
    return ("retire", "note") if target in ENDED else ("note",)


def _with(outstanding: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """In this order, none twice; the note goes last, with the state that it tells of."""
    return (*(one for one in outstanding if one not in more), *more)
