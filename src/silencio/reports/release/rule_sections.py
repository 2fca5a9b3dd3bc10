"""Rules: what each found, how its evidence grew, and what none of them could see."""

from __future__ import annotations

from silencio.reports.document import Column, Section, bullets, figure, prose, table
from silencio.reports.markup import Child, Markup, join, tag
from silencio.reports.release.comparison_facts import Bounds
from silencio.reports.release.evidence_curve import evidence_curve, number, summary
from silencio.reports.release.facts import ReleaseFacts, RuleFacts
from silencio.reports.release.words import CONSEQUENCES, OUTCOMES, Unit, rule_words
from silencio.reports.wording import NOTHING

_LOOKS = {"fail": "bad", "pass": "good", "error": "bad"}


def rules(facts: ReleaseFacts) -> Section:
    """One row a rule."""
    intro = (
        "Only a pass advances; no data and an error are never a pass. The ratio is challenger over champion, or their "
        "difference, as the rule's sentence says. A rule with evidence E fails where E reaches 1/alpha, at any look."
    )
    columns = [Column("rule"), Column("verdict"), Column("what it found"), Column("champion", True)]
    columns += [Column(name, True) for name in ("challenger", "ratio or difference", "bounds", "n", "E", "fails from")]
    columns += [Column("smallest visible effect"), Column("a fail leads to")]
    rows = [_row(one, facts) for one in facts.rules]
    classes = [_LOOKS.get(one.outcome, "") if one.applies and not one.dry_run else "muted" for one in facts.rules]
    return Section("rules", "Rules", join(prose(intro), table("Every rule at its last look", columns, rows, classes)))


def evidence(facts: ReleaseFacts) -> Section | None:
    """How evidence grew."""
    if not facts.evidence:
        return None
    picture = evidence_curve(facts.evidence, facts.history)
    caption = (
        "E is how much likelier the counts are if the challenger is worse than the policy tolerates. Strips are "
        "logarithmic; the dashed red line is 1/alpha; upright lines are where the share changed."
    )
    return Section(
        "evidence",
        "Evidence over time",
        join(bullets([summary(one) for one in facts.evidence]), figure(picture, caption)),
    )


def unseen(facts: ReleaseFacts) -> Section:
    """What could not be seen, which no table of passed rules shows."""
    lines: list[Child] = [join(tag("b", f"{one.what}: "), one.why) for one in facts.unseen]
    body = bullets(lines, "cautions") if lines else prose("Every rule had data.")
    return Section("unseen", "What could not be seen", body)


def _row(one: RuleFacts, facts: ReleaseFacts) -> list[Child]:
    words = rule_words(one.rule)
    name: Markup = join(tag("code", one.rule), Markup("<br>"), tag("small", words.title))
    consequence = CONSEQUENCES[one.consequence] + (" (dry run: not followed)" if one.dry_run else "")
    if one.both_fail:
        consequence += "; both fail: nothing is found of the bundle"
    if one.rule == facts.headline.decided_by:
        consequence += "; it decided"
    return [
        name,
        OUTCOMES[one.outcome] if one.applies else "not asked",
        one.message,
        metric(one.champion, words.unit),
        metric(one.challenger, words.unit),
        metric(one.ratio),
        bounds(one.interval),
        f"{one.n:,}",
        metric(one.e_value),
        metric(one.threshold),
        one.smallest_visible or NOTHING,
        consequence,
    ]


def metric(value: float | None, unit: Unit = "number") -> str:
    """A rule's number: a share in percent with the digits that small rates need.

    Args:
        value: The number; None is a dash.
        unit: How it is written.
    """
    if value is None:
        return NOTHING
    if unit == "share" and 0 <= value <= 1:
        return f"{100 * value:.3g}\u202f%"
    return number(value).replace("-", "\N{MINUS SIGN}", 1) if value < 0 else number(value)


def bounds(interval: Bounds | None) -> str:
    """`0.8 to 1.3`; an open side is named."""
    if interval is None:
        return NOTHING
    low, high = interval
    if low is None or high is None:
        return NOTHING if low is high else f"up to {metric(high)}" if low is None else f"from {metric(low)}"
    return f"{metric(low)} to {metric(high)}"
