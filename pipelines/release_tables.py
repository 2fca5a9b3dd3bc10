"""Tables of `silencio release plan` and `status`."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from silencio.console import Group
from silencio.release.plan import Plan
from silencio.release.record import ReleaseRecord

_MAX_EVENTS = 12


def plan_table(plan: Plan) -> Group:
    """A row a step: how long, how many sessions, and what would be found by its end."""
    table = Table("share", "takes", "sessions", "finds failures from", "finds slow from")
    for step in plan.steps:
        takes = duration(step.duration_s) + (" (too long: held)" if step.is_too_long else "")
        table.add_row(
            f"{step.share_percent:g} %",
            takes,
            f"{step.challenger_units:,} / {step.champion_units:,}",
            _share(step.smallest_failed_share),
            _share(step.smallest_slow_share),
        )
    parts: list[Table | Text] = [
        table,
        Text(f"then {duration(plan.bake_s)} at 100 % with the champion warm: {duration(plan.total_s)} in all"),
    ]
    if plan.proposal is not None:
        steps = ", ".join(f"{step:g}" for step in plan.proposal.policy.steps)
        words = f"At this traffic fewer steps are better: steps [{steps}], {duration(plan.proposal.total_s)} in all"
        parts.append(Text(f"{words}, max_s {plan.proposal.policy.max_s:.0f}"))
    return Group(*parts)


def status_table(record: ReleaseRecord, width: int) -> Group:
    """Where a release stands and why, every rule, and what happened."""
    now = datetime.now(UTC)
    headline = Text(
        f"release {record.release_id}: {record.challenger.version} against {record.champion.version}, "
        f"{record.state} at {record.share_percent:g} % (step {record.step})"
    )
    parts: list[Table | Text] = [headline, Text(record.why)]
    if record.intention is not None:
        parts.append(Text(f"on its way to {record.intention.target} at {record.intention.share_percent:g} %"))
    if record.blind_since is not None:
        blind_s = (now - datetime.fromisoformat(record.blind_since)).total_seconds()
        parts.append(Text(f"no counts for {duration(blind_s)}: nothing advances"))
    if record.outstanding:
        parts.append(Text(f"still outstanding: {', '.join(record.outstanding)}"))
    if record.verdicts:
        rules = Table("rule", "verdict", "why")
        for one in record.verdicts:
            shown = one["outcome"] + (" (shown only)" if one["consequence"] == "show" or one["dry_run"] else "")
            rules.add_row(one["rule"], shown, Text(one["message"]))
        parts.append(rules)
    events = Table("when", "state", "share", "by", "why")
    for event in record.history[-_MAX_EVENTS:]:
        events.add_row(event.at[:19], event.state, f"{event.share_percent:g} %", event.by, Text(event.why))
    return Group(*parts, *([events] if record.history else []))


def duration(seconds: float) -> str:
    """A time in the largest unit that leaves it readable."""
    if not math.isfinite(seconds):
        return "for ever"
    for unit_s, unit in ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.1f} {unit}"
    return f"{seconds:.0f} s"


def _share(share: float | None) -> str:
    return "nothing" if share is None else f"{100 * share:.2g} %"
