"""What a person's command does to a release: the record that follows, and no more; the judge carries it out."""

from __future__ import annotations

from serving.canary.clock import iso
from serving.canary.requests import Request
from serving.canary.transitions import begun, done, policy_of
from silencio.errors import ReleaseRefusedError
from silencio.release import states
from silencio.release.decision import Decision
from silencio.release.record import ReleaseRecord, State

_ENDS: dict[tuple[str, State], bool] = {
    ("abort", "aborted"): True,
    ("abort", "refused"): True,
    ("rollback", "rolled_back"): True,
    ("rollback", "refused"): True,
    ("promote", "promoted"): True,
}
_WITH_REASON = ("approve", "advance", "promote")


def is_done(record: ReleaseRecord, request: Request) -> bool:
    """Whether the release stands already where the command wants it: repeating a command does nothing."""
    if request.command == "pause" and record.state == "held":
        return True
    return _ENDS.get((request.command, record.state), False)


def apply_request(
    record: ReleaseRecord, request: Request, *, at_s: float, token: int, generation: str
) -> ReleaseRecord:
    """The record after a command: an intention, a hold or an approval.

    Args:
        record: The release as it stands.
        request: The command.
        at_s: Now.
        token: The lease's fencing token.
        generation: What the route says of itself.

    Raises:
        ReleaseRefusedError: The release does not allow it as it stands.
    """
    if is_done(record, request):
        return record
    if request.command in _WITH_REASON and not request.reason.strip():
        raise ReleaseRefusedError(f"{request.command} needs --reason: it is kept in the release's history")
    if request.command == "approve":
        gate = gate_of(record)
        record = states.approve(record, gate, by=request.by, reason=request.reason, at=iso(at_s))
        if record.state != "held":
            return record
    decision = _decision(record, request)
    record = begun(record, decision, at_s=at_s, token=token, generation=generation, by=request.by)
    # What changes nothing on the route is done with that.
    is_only_kept = decision.target == "held" or (decision.target in ("staged", "dark") and decision.action == "resume")
    return done(record, None, at_s=at_s) if is_only_kept else record


def _decision(record: ReleaseRecord, request: Request) -> Decision:
    by, reason = request.by, request.reason or "no reason given"
    if request.command == "pause":
        return states.pause(record, by=by, reason=reason)
    if request.command in ("resume", "approve"):
        return states.resume(record, by=by, reason=reason)
    if request.command == "abort":
        return states.abort(record, by=by, reason=reason)
    if request.command == "rollback":
        return states.roll_back(record, by=by, reason=reason)
    return _following(record, request)


def _following(record: ReleaseRecord, request: Request) -> Decision:
    """`advance` and `promote`: a person goes on without waiting for the rest of the evidence."""
    if record.has_ended or record.state == "held":
        raise ReleaseRefusedError(
            f"{request.command}: release {record.release_id} is {record.state}; "
            + ("begin another release" if record.has_ended else "`silencio release approve --reason …` lets it go on")
        )
    steps = policy_of(record).steps
    last = len(steps) - 1
    why = f"{request.command} by {request.by}: {request.reason}"
    if request.command == "promote" and record.step < last:
        raise ReleaseRefusedError(
            f"promote: the challenger has {record.share_percent:g} %; `silencio release advance` goes step by step, so "
            "that a bake with the champion still warm comes before the end"
        )
    if record.state == "staged":
        return Decision("advance", "dark", 0, 0.0, why)
    if record.state == "baking":
        return Decision("promote", "promoted", last, 100.0, why)
    if record.step == last:
        return Decision("bake", "baking", last, 100.0, why)
    step = record.step + 1
    return Decision("advance", "step", step, steps[step], why)


def gate_of(record: ReleaseRecord) -> str:
    """What an approval opens, by `silencio.release.states.approve`'s names: the rule that holds, or what is next."""
    if record.state == "held" and record.rule is not None:
        return f"hold:{record.rule}"
    state = record.exposed_state
    steps = policy_of(record).steps
    if state == "baking" or record.step == len(steps) - 1:
        return "promotion"
    return f"increase:{steps[record.step + 1]:g}"
