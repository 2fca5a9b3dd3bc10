"""`auto`: the judge. One look reads record, route and counts, and takes the release one move on.

Every move is an intention that is written first, then carried out on the route, then confirmed by the route, then
written as done; aliases and tags are outstanding from then on and caught up. Whoever is killed anywhere leaves a record
from which the next look goes on, and every call of the world may be made again.
"""

from __future__ import annotations

from collections.abc import Callable

from serving.canary.clock import seconds_of
from serving.canary.commands import apply_request
from serving.canary.counting import blind_s, blinded, counted, evidence_of, since_began_s, slow_bound_s
from serving.canary.intervals import add_interval
from serving.canary.judgement import (
    IdleServers,
    cpu_between,
)
from serving.canary.route_actions import BACK, carry_out, foreign_edit
from serving.canary.trace import add_to_trace, kept_verdicts
from serving.canary.transitions import back, begun, done, held, policy_of
from serving.canary.world import World
from silencio.errors import (
    LeaseHeldError,
    ReleaseError,
    ReleaseRefusedError,
    RouteChangedError,
    RouteError,
    SilencioError,
)
from silencio.release.decision import Decision
from silencio.release.evidence import ArmHealth
from silencio.release.record import ReleaseRecord

# A person's requests, and a route that is on its way, are looked at so often.
_ATTENTIVE_S = 2.0


class Auto:
    """The judge of one place.

    Args:
        world: All that it touches.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._token = 0
        self._idle: IdleServers | None = None

    def run(
        self, holder: str, *, is_over: Callable[[ReleaseRecord | None], bool] | None = None
    ) -> ReleaseRecord | None:
        """Look until the release has ended and nothing is outstanding.

        Args:
            holder: Name that is shown to whoever finds the lease taken.
            is_over: Ends it earlier.

        Raises:
            LeaseHeldError: Another judge is at work, or took over.
        """
        is_over = is_over or (lambda record: record is None or (record.has_ended and not record.outstanding))
        record: ReleaseRecord | None = None
        with self._world.store.lease(holder) as token:
            while True:
                record = self._look_or_say(token, record)
                if is_over(record):
                    return record
                self._wait(record)

    def look(self, token: int, *, evaluate: bool = True) -> ReleaseRecord | None:
        """One look.

        Args:
            token: The lease's fencing token.
            evaluate: Whether to read counts and follow the rules; else only what people asked for, what is on its way
                and what is outstanding is done.

        Returns:
            The record after it; None where there is no release.

        Raises:
            SilencioError: Something could not be read or done; the next look tries again.
        """
        self._token = token
        record = self._world.store.load()
        if record is None:
            return None
        record = self._finish(self._apply_requests(record))
        if record.intention is not None:
            return record  # on its way
        record = self._catch_up(record)
        if record.has_ended or not evaluate:
            return record
        record = self._evaluate(record)
        return self._catch_up(record) if record.intention is None else record

    def end(self, decision: Decision, token: int, *, by: str) -> ReleaseRecord:
        """Begin what a person decided outside the loop (another release supersedes this one), and try to finish it.

        Args:
            decision: What is to be done.
            token: The lease's fencing token.
            by: Who.

        Raises:
            ReleaseError: There is no release, or it does not allow it.
        """
        self._token = token
        record = self._world.store.load()
        if record is None:
            raise ReleaseError("there is no release that could be ended")
        record = self._move(record, decision, by=by)
        return self._catch_up(record) if record.intention is None else record

    def _look_or_say(self, token: int, former: ReleaseRecord | None) -> ReleaseRecord | None:
        try:
            return self.look(token)
        except LeaseHeldError:
            raise
        except SilencioError as error:
            self._world.on_message(str(error))
        try:
            return self._world.store.load()
        except RouteError:
            if former is None:
                raise
            return former  # a cluster whose API is away: the next look reads it

    def _wait(self, record: ReleaseRecord | None) -> None:
        left_s = policy_of(record).look_every_s if record is not None else _ATTENTIVE_S
        if record is not None and record.intention is not None:
            left_s = min(left_s, _ATTENTIVE_S)
        while left_s > 0:
            slice_s = min(left_s, _ATTENTIVE_S)
            self._world.clock.wait(slice_s)
            left_s -= slice_s
            try:
                if self._world.requests.pending():
                    return
            except SilencioError:
                return  # the next look says it

    # What people ask for, what is outstanding, what is on its way

    def _apply_requests(self, record: ReleaseRecord) -> ReleaseRecord:
        for request in self._world.requests.pending():
            if request.release_id == record.release_id:
                if record.intention is not None and request.command not in ("rollback", "abort"):
                    continue  # what is on its way arrives first
                try:
                    changed = apply_request(
                        record,
                        request,
                        at_s=self._world.clock.now_s(),
                        token=self._token,
                        generation=self._route_generation(),
                    )
                    if changed is not record:
                        record = self._save(changed)
                        self._world.on_message(f"{request.by}: {request.command} {request.reason}".rstrip())
                except ReleaseRefusedError as error:
                    self._world.on_message(str(error))
            self._world.requests.remove(request)
        return record

    def _route_generation(self) -> str:
        try:
            return self._world.route.state().generation
        except RouteError:
            return ""  # a rollback needs none, and nothing else succeeds

    def _catch_up(self, record: ReleaseRecord) -> ReleaseRecord:
        """Aliases, tags, the arm that serves nobody: what fails stays outstanding, and stops nothing."""
        for what in record.outstanding:
            try:
                if what == "move_champion":
                    self._world.registry.move_champion(record)
                elif what == "retire":
                    self._world.route.retire(record)
                else:
                    self._world.registry.note(record)
            except LeaseHeldError:
                raise
            except SilencioError as error:
                self._world.on_message(f"{what} is still outstanding: {error}")
                continue
            left = tuple(one for one in record.outstanding if one != what)
            record = self._save(record.model_copy(update={"outstanding": left}))
        return record

    def _finish(self, record: ReleaseRecord) -> ReleaseRecord:
        intention = record.intention
        if intention is None:
            return record
        now_s = self._world.clock.now_s()
        try:
            confirmed = carry_out(self._world.route, record, intention)
        except RouteChangedError as error:
            if intention.target in BACK:
                raise
            return self._hold(record, f"somebody else changed the route: {error}")
        except ReleaseRefusedError as error:
            return self._back(record, str(error))
        except RouteError as error:
            self._world.on_message(f"{intention.target} is not confirmed: {error}")
            confirmed = None
        if confirmed is not None:
            record = self._save(done(record, confirmed, at_s=now_s))
            self._world.on_message(f"{record.state} at {record.share_percent:g} %: {record.why}")
            return record
        waited_s = now_s - seconds_of(intention.written_at)
        if intention.target not in BACK and waited_s >= policy_of(record).blind_return_s:
            return self._back(record, f"{intention.target} was not confirmed by the route within {waited_s:.0f} s")
        return record

    def _back(self, record: ReleaseRecord, why: str, rule: str | None = None) -> ReleaseRecord:
        return self._move(record, back(record, why, rule))

    def _hold(self, record: ReleaseRecord, why: str, rule: str | None = None) -> ReleaseRecord:
        self._world.on_message(f"held: {why}")
        return self._save(held(record, why, at_s=self._world.clock.now_s(), token=self._token, rule=rule))

    def _move(self, record: ReleaseRecord, decision: Decision, *, by: str = "auto") -> ReleaseRecord:
        generation = self._route_generation()
        at_s = self._world.clock.now_s()
        record = self._save(begun(record, decision, at_s=at_s, token=self._token, generation=generation, by=by))
        return self._finish(record)

    # What was seen

    def _evaluate(self, record: ReleaseRecord) -> ReleaseRecord:
        try:
            record = self._prepare(record)
            if record.intention is not None or record.has_ended:
                return record
            route_state, health = self._world.route.state(), self._world.route.health()
            if record.state == "staged" and (self._idle is None or self._idle.release_id != record.release_id):
                unused = health.get("challenger", ArmHealth())
                self._idle = IdleServers(record.release_id, self._world.clock.now_s(), unused)
        except ReleaseRefusedError as error:
            return self._back(self._as_kept(record), str(error))
        except RouteError as error:
            # Without the route nothing is known of the share, nor of the servers: no evidence, and no verdict.
            record = self._save(blinded(self._world, self._as_kept(record), f"the route cannot be read: {error}"))
            return self._return_if_blind(record) or record
        except LeaseHeldError:
            raise
        except SilencioError as error:
            return self._not_staged(self._as_kept(record), str(error))
        if (edit := foreign_edit(record, route_state)) and record.state != "held":
            return self._hold(
                record, f"somebody else changed the route: {edit}; `silencio release resume` sets it again"
            )
        record = counted(self._world, record, is_settled=route_state.is_settled and not edit)
        if (returned := self._return_if_blind(record)) is not None:
            return returned
        policy, evidence = policy_of(record), evidence_of(self._world, record, health)
        verdicts = self._world.rules(policy, evidence)
        decision = self._world.decide(policy, record, evidence, verdicts)
        trace = add_to_trace(record.trace, record, verdicts, at_s=since_began_s(self._world, record))
        record = self._save(record.model_copy(update={"verdicts": kept_verdicts(verdicts), "trace": trace}))
        return self._follow(record, decision)

    def _follow(self, record: ReleaseRecord, decision: Decision) -> ReleaseRecord:
        if not decision.changes:
            return record
        if decision.target in BACK or decision.action == "return_to_zero":
            return self._move(record, decision)
        if decision.action == "hold":
            return self._hold(record, decision.why, decision.rule)
        # On a look that could read nothing, nothing advances.
        return record if record.blind_since is not None else self._move(record, decision)

    def _not_staged(self, record: ReleaseRecord, why: str) -> ReleaseRecord:
        """What comes before visitors could not be done: no verdict on the bundle, tried again, but not for ever."""
        self._world.on_message(why)
        waited_s = self._world.clock.now_s() - seconds_of(record.counting_from or record.began_at)
        if record.state == "held" or waited_s < policy_of(record).max_s:
            return record
        return self._hold(record, f"staging could not be done: {why}")

    def _as_kept(self, record: ReleaseRecord) -> ReleaseRecord:
        """What was written before something failed half-way."""
        return self._world.store.load() or record

    def _return_if_blind(self, record: ReleaseRecord) -> ReleaseRecord | None:
        """Back to 0 % where counts could not be read for long; also without the route's health, so not by the rules."""
        for_s = blind_s(self._world, record)
        if for_s < policy_of(record).blind_return_s or not record.share_percent:
            return None
        why = f"no counts for {for_s:.0f} s: back to 0 %, which says nothing of the bundle"
        return self._move(record, Decision("return_to_zero", "held", record.step, 0.0, why))

    def _prepare(self, record: ReleaseRecord) -> ReleaseRecord:
        """Before visitors: the challenger there, its parity replayed, simulated users sent, each once."""
        if record.state == "staged":
            self._world.route.offer(record)
            is_there = (state := self._world.route.state()).is_settled and state.challenger is not None
            if is_there and record.parity_passed is None:
                record = self._save(record.model_copy(update={"parity_passed": self._world.staging.parity(record)}))
        if record.state != "dark" or record.was_staged:
            return record
        if record.slow_bound_s is None:
            record = record.model_copy(update={"slow_bound_s": slow_bound_s(self._world)})
        before, began_s = self._world.route.health(), self._world.clock.now_s()
        idle = self._idle if self._idle is not None and self._idle.release_id == record.release_id else None
        idle_cpu_share = idle.cpu_share(before.get("challenger", ArmHealth()), began_s) if idle is not None else 0.0
        staged = self._world.staging.run(record)
        idle_cpu_s = idle_cpu_share * (self._world.clock.now_s() - began_s)
        cpu_s_per_window = cpu_between(before, self._world.route.health(), idle_cpu_s)
        intervals = record.intervals
        for interval in staged.intervals:
            intervals = add_interval(intervals, interval)
        bound_s = record.slow_bound_s or staged.slow_bound_s
        changes = {
            "intervals": intervals,
            "was_staged": True,
            "slow_bound_s": bound_s,
            "cpu_s_per_window": cpu_s_per_window,
        }
        record = self._save(record.model_copy(update=changes))
        return self._back(record, "; ".join(staged.reasons), "reachability") if staged.reasons else record

    def _save(self, record: ReleaseRecord) -> ReleaseRecord:
        written = self._world.store.save(record, fencing_token=self._token)
        self._world.on_record(written)
        return written
