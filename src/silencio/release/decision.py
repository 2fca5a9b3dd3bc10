"""What follows from verdicts: stay, advance, bake, promote, hold, roll back, refuse, freeze. One pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from silencio.release.counts import in_step
from silencio.release.evidence import Evidence
from silencio.release.policy import ReleasePolicy
from silencio.release.record import ReleaseRecord, State
from silencio.release.verdict import RuleVerdict

Action = Literal[
    "stay",
    "freeze",
    "advance",
    "bake",
    "promote",
    "hold",
    "return_to_zero",
    "roll_back",
    "refuse",
    "resume",
    "abort",
    "supersede",
]
# Rules that are looked at before the challenger's servers are known to answer.
_STAGED = "reachability"
# Of these an inconclusive verdict does not become another one by waiting.
ONE_LOOK = frozenset({"replay"})


@dataclass(frozen=True)
class Decision:
    """What is to be done with a release.

    Attributes:
        action: In a word.
        target: State that follows; the present one where nothing changes.
        step: Place in the policy's steps that follows.
        share_percent: Share of visitors that the challenger is to get.
        why: One sentence.
        rule: Rule that asked for it, where one did.
        gate: What a person has to approve for it to go on, as `silencio.release.states.approve` names it.
    """

    action: Action
    target: State
    step: int
    share_percent: float
    why: str
    rule: str | None = None
    gate: str | None = None

    @property
    def changes(self) -> bool:
        """Whether anything is to be done."""
        return self.action not in ("stay", "freeze")


def decide(
    policy: ReleasePolicy, record: ReleaseRecord, evidence: Evidence, verdicts: Sequence[RuleVerdict]
) -> Decision:
    """What follows at one look; failures first, then blindness, then what still has to be waited for.

    Args:
        policy: As it held when the release began.
        record: The release as it stands; an intention that is not confirmed has to be finished first.
        evidence: What is known at this look.
        verdicts: What the rules found, as `silencio.release.rules.apply_rules` gives them.
    """
    here = _Here(policy, record, evidence, tuple(verdict for verdict in verdicts if verdict.decides))
    if record.has_ended:
        return here.stay(f"The release is {record.state}.")
    return here.rolled_back() or here.blind() or here.held() or here.waiting() or here.next_state()


@dataclass(frozen=True)
class _Here:
    """One look at one release."""

    policy: ReleasePolicy
    record: ReleaseRecord
    evidence: Evidence
    verdicts: tuple[RuleVerdict, ...]

    @property
    def exposed(self) -> State:
        """The state that a held release was in."""
        return self.record.held_from or self.record.state if self.record.state == "held" else self.record.state

    def stay(self, why: str, *, rule: str | None = None, gate: str | None = None) -> Decision:
        return self._keep("stay", why, rule=rule, gate=gate)

    def _keep(self, action: Action, why: str, *, rule: str | None = None, gate: str | None = None) -> Decision:
        record = self.record
        return Decision(action, record.state, record.step, record.share_percent, why, rule=rule, gate=gate)

    def _hold(
        self, why: str, *, rule: str | None = None, gate: str | None = None, share: float | None = None
    ) -> Decision:
        kept = self.record.share_percent if share is None else share
        if self.record.state == "held" and kept == self.record.share_percent:
            return self.stay(self.record.why or why, rule=rule, gate=gate)
        action: Action = "hold" if kept == self.record.share_percent else "return_to_zero"
        return Decision(action, "held", self.record.step, kept, why, rule=rule, gate=gate)

    def _is_approved(self, verdict: RuleVerdict) -> bool:
        return f"hold:{verdict.rule}" in self.record.approvals

    def rolled_back(self) -> Decision | None:
        """Any failure that decides: refused before a visitor, taken back after. No approval stands against it."""
        for verdict in self.verdicts:
            if verdict.outcome == "fail" and verdict.consequence == "rollback":
                before = self.exposed in ("staged", "dark")
                action: Action = "refuse" if before else "roll_back"
                target: State = "refused" if before else "rolled_back"
                return Decision(action, target, self.record.step, 0.0, verdict.message, rule=verdict.rule)
        return None

    def blind(self) -> Decision | None:
        """Without counts nothing advances; for long, the visitors go back, which is no verdict on the bundle."""
        blind_s = self.evidence.blind_s
        if blind_s < self.policy.blind_freeze_s:
            return None
        words = f"Counts could not be read for {blind_s:.0f} s"
        if blind_s >= self.policy.blind_return_s:
            words = f"{words} (at most {self.policy.blind_return_s:g} s): visitors go back, without a verdict."
            return self._hold(words, share=0.0)
        if self.record.state == "held":
            return None
        return self._keep("freeze", f"{words}: nothing advances until they can be.")

    def held(self) -> Decision | None:
        """A rule that a person has to look at; and a release that is held stays so."""
        for verdict in self.verdicts:
            is_one_look = verdict.outcome == "inconclusive" and verdict.rule in ONE_LOOK
            if (verdict.outcome == "fail" or is_one_look) and not self._is_approved(verdict):
                worse = verdict.both_fail and (verdict.e_value or 0.0) >= (verdict.threshold or float("inf"))
                gate = f"hold:{verdict.rule}"
                return self._hold(verdict.message, rule=verdict.rule, gate=gate, share=0.0 if worse else None)
        return self.stay(self.record.why, rule=self.record.rule) if self.record.state == "held" else None

    def waiting(self) -> Decision | None:
        """What is missing for the next state: rules without a pass, least numbers; too long a wait ends in `held`."""
        short, open_rule = self._short(), self._open_rule()
        if short is None and open_rule is None:
            return None
        missing = short or (open_rule.message if open_rule else "")
        rule = open_rule.rule if open_rule and short is None else None
        max_s = self.policy.max_s + (self.policy.bake_s if self.record.state == "baking" else 0.0)
        if self.evidence.in_step_s < max_s:
            return self.stay(missing, rule=rule)
        words = f"{missing} After {self.evidence.in_step_s:.0f} s, of at most {max_s:g} s."
        if short is not None and self.policy.when_short == "rollback":
            before = self.exposed in ("staged", "dark")
            action: Action = "refuse" if before else "roll_back"
            return Decision(action, "refused" if before else "rolled_back", self.record.step, 0.0, words)
        return self._hold(words, rule=rule)

    def _open_rule(self) -> RuleVerdict | None:
        """The first rule that is waited for: only a pass lets go on, and no data only of what need not have any."""
        looked_at = [one for one in self.verdicts if self.record.state != "staged" or one.rule == _STAGED]
        for verdict in looked_at:
            was_seen = verdict.outcome in ("fail", "inconclusive") and self._is_approved(verdict)
            if verdict.outcome == "pass" or was_seen:
                continue
            if verdict.outcome == "no_data" and not self.policy.rules[verdict.rule].must_have_data:
                continue
            return verdict
        if not any(verdict.outcome == "pass" for verdict in looked_at):
            words = "No rule has passed, and what nothing speaks for does not advance."
            return RuleVerdict(rule=_STAGED, outcome="no_data", message=words)
        return None

    def _short(self) -> str | None:
        """The least numbers of the present state that are not reached, as a sentence."""
        policy, evidence, state = self.policy, self.evidence, self.record.state
        champion, challenger = in_step(evidence)
        if state == "staged":
            return None
        if state == "dark":
            n = champion.requests + challenger.requests
            if n < policy.min_simulated_requests:
                return f"Simulated users have sent {n} requests of at least {policy.min_simulated_requests}."
            return None
        if evidence.step != self.record.step:
            return f"The evidence is of step {evidence.step}, the release is at step {self.record.step}."
        min_s = policy.bake_s if state == "baking" else policy.min_s
        counts = {
            "s": (evidence.in_step_s, min_s),
            "requests of the challenger": (challenger.requests, policy.min_requests),
            "sessions of the challenger": (challenger.units, policy.min_sessions),
        }
        missing = [
            f"{found:.0f} {what} of at least {minimum:g}"
            for what, (found, minimum) in counts.items()
            if found < minimum
        ]
        return f"The step has {', '.join(missing)}." if missing else None

    def next_state(self) -> Decision:
        """All that decides has passed."""
        policy, record = self.policy, self.record
        if record.state == "staged":
            words = "The challenger answers with the bundle's own numbers."
            return Decision("advance", "dark", 0, 0.0, words)
        last = len(policy.steps) - 1
        if record.state == "baking":
            if policy.confirm_promotion and "promotion" not in record.approvals:
                return self.stay("All rules pass; the promotion waits for a person.", gate="promotion")
            return Decision(
                "promote", "promoted", record.step, 100.0, f"All rules passed for {policy.bake_s:g} s at 100 %."
            )
        if record.state == "step" and record.step == last:
            words = f"All rules pass at 100 %; the champion stays warm for {policy.bake_s:g} s."
            return Decision("bake", "baking", last, 100.0, words)
        step = record.step + 1 if record.state == "step" else 1
        percent = policy.steps[step]
        gate = f"increase:{percent:g}"
        if percent in policy.confirm_increase and gate not in record.approvals:
            return self.stay(f"All rules pass; the increase to {percent:g} % waits for a person.", gate=gate)
        before = "before any visitor" if step == 1 else f"at {policy.steps[step - 1]:g} %"
        return Decision("advance", "step", step, percent, f"All rules pass {before}.")
