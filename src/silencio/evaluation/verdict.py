"""What the gates decided: every gate with its sentence, also those that did not have to be passed, and why not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from silencio.errors import BundleError
from silencio.storage import write_atomically

Outcome = Literal["passed", "refused", "too few to decide", "not asked"]


@dataclass(frozen=True)
class Reason:
    """The outcome of one gate.

    Attributes:
        gate: Name of the gate.
        passed: True also for what decides nothing.
        message: One sentence with value and bound, or why it does not apply.
        decides: False where too few recordings make it a note, and where it does not apply.
        applies: False where the configuration took the gate away, or there was nothing to compare with.
    """

    gate: str
    passed: bool
    message: str
    decides: bool = True
    applies: bool = True

    @classmethod
    def not_applied(cls, gate: str, message: str) -> Reason:
        """A gate that did not have to be passed."""
        return cls(gate, True, message, decides=False, applies=False)

    def __str__(self) -> str:
        return f"{self.gate}: {self.message}"

    @property
    def outcome(self) -> Outcome:
        """In words."""
        if not self.passed:
            return "refused"
        if not self.applies:
            return "not asked"
        return "passed" if self.decides else "too few to decide"


@dataclass(frozen=True)
class Verdict:
    """The whole decision; passed when every deciding gate passed, and at least one decided."""

    reasons: list[Reason]

    @property
    def passed(self) -> bool:
        return any(reason.decides for reason in self.reasons) and all(reason.passed for reason in self.reasons)

    @property
    def failed_gates(self) -> list[str]:
        """The messages of the gates that failed."""
        return [reason.message for reason in self.reasons if not reason.passed]

    def of(self, outcome: Outcome) -> list[Reason]:
        """The gates that ended so."""
        return [reason for reason in self.reasons if reason.outcome == outcome]

    def save(self, path: Path) -> None:
        """Keep as JSON: `passed` and `reasons`."""
        facts = {"passed": self.passed, "reasons": [asdict(reason) for reason in self.reasons]}
        write_atomically(path, json.dumps(facts, indent=1))

    @classmethod
    def load(cls, path: Path) -> Verdict:
        """The inverse of `save`; what the file holds beside verdict and reasons is not looked at.

        A file from before `applies` was written, or when it was `asked`, is read too.

        Raises:
            BundleError: It is no verdict, or contradicts itself: what cannot be understood lets nothing pass.
        """
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            passed, verdict = facts["passed"], cls([_read(reason) for reason in facts["reasons"]])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleError(f"{path} is no verdict of the gates ({type(error).__name__}: {error})") from error
        if not isinstance(passed, bool):
            raise BundleError(f"{path} is no verdict of the gates: passed is {passed!r}, not true or false")
        if passed and not verdict.passed:
            why = "; ".join(map(str, verdict.of("refused"))) or "no gate decided"
            raise BundleError(f"{path} contradicts itself: passed, but {why}")
        if verdict.passed and not passed:
            raise BundleError(f"{path} contradicts itself: refused, but no gate failed")
        return verdict


def _read(reason: Mapping[str, Any]) -> Reason:
    """As any version wrote it."""
    passed, decides = reason["passed"], reason.get("decides", True)
    applies = reason.get("applies", reason.get("asked", True))
    if not all(isinstance(one, bool) for one in (passed, decides, applies)):
        raise TypeError(f"passed, decides and applies are true or false, of {reason['gate']!r} {reason}")
    return Reason(str(reason["gate"]), passed, str(reason["message"]), decides, applies)


def verdict_facts(verdict: Verdict) -> dict[str, Any]:
    """For bundle.json: whether it passed, the messages of the failed gates, and every gate with its outcome."""
    gates = [{"gate": one.gate, "outcome": one.outcome, "message": one.message} for one in verdict.reasons]
    return {"passed": verdict.passed, "failed_gates": verdict.failed_gates, "gates": gates}
