"""What a rule found, in one of five words, of which only `pass` advances a release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["pass", "fail", "inconclusive", "no_data", "error"]
# What follows from a rule's `fail`: back to the champion, wait for a person, or nothing but a line on the page.
Consequence = Literal["rollback", "hold", "show"]


@dataclass(frozen=True, kw_only=True)
class RuleVerdict:
    """What one rule says at one look.

    Attributes:
        rule: Name of the rule, as in the policy and the docs.
        outcome: Only `pass` advances; `no_data` and `error` are never a pass.
        message: One sentence with values and bounds.
        consequence: What `fail` leads to; `inconclusive`, `no_data` and `error` never lead to a rollback.
        n: Units that the rule saw of the challenger.
        champion: Its figure of the champion, where it has one.
        challenger: The same of the challenger.
        ratio: Challenger over champion, or their difference, as the message says.
        interval: Bounds of `ratio`.
        e_value: Evidence against "not worse" of a sequential test.
        threshold: `e_value` or figure from which on the rule fails.
        smallest_visible: The smallest effect that the rule could have seen by now, in words: "a failure rate 2.1 times
            the champion's".
        dry_run: Whether the policy has it shown only.
        both_fail: The champion is beyond its own absolute limit too: what both use is at fault, not the bundle.
        asked: False where the policy took the rule away, or leaves it no place at this step; then nothing follows.
    """

    rule: str
    outcome: Outcome
    message: str
    consequence: Consequence = "rollback"
    n: int = 0
    champion: float | None = None
    challenger: float | None = None
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    e_value: float | None = None
    threshold: float | None = None
    smallest_visible: str | None = None
    dry_run: bool = False
    both_fail: bool = False
    asked: bool = True

    @property
    def decides(self) -> bool:
        """Whether anything follows from it."""
        return self.asked and self.consequence != "show" and not self.dry_run
