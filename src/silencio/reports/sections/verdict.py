"""The verdict with every reason."""

from __future__ import annotations

from silencio.evaluation.gates import Reason
from silencio.reports.document import Column, Section, prose, table
from silencio.reports.inputs import ReportInputs
from silencio.reports.markup import Child, join
from silencio.reports.wording import in_words


def verdict(inputs: ReportInputs) -> Section:
    """Every gate, the failed ones first."""
    reasons = sorted(inputs.verdict.reasons, key=lambda one: (one.passed, not one.decides, not one.applies))
    rows: list[list[Child]] = [[_sentence(one.message), _word(one)] for one in reasons]
    classes = ["" if not one.decides else "good" if one.passed else "bad" for one in reasons]
    intro = (
        "A model that misses one condition is not registered. What stands as shown decides nothing: too few "
        "recordings. What was not asked was taken away by the configuration, or there was nothing to compare with."
    )
    columns = [Column("condition"), Column("outcome")]
    return Section("verdict", "Verdict", join(prose(intro), table("Conditions of the policy", columns, rows, classes)))


def _sentence(message: str) -> str:
    words = in_words(message)
    return words[:1].upper() + words[1:]


def _word(reason: Reason) -> str:
    if not reason.applies:
        return "\N{MIDDLE DOT} not asked"
    if not reason.decides:
        return "\N{MIDDLE DOT} shown"
    return "\N{CHECK MARK} met" if reason.passed else "\N{BALLOT X} not met"
