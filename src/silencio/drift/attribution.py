"""From signals to causes: the rows of docs/monitoring.md's table, in order; what one explains, the next ones leave out.

Two causes may both stand: a microphone that is apart from its peers, while it rains on all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from silencio.drift.comparison import DayComparison
from silencio.drift.document import Cause, CauseFound, Certainty, SiteVerdict
from silencio.drift.past_days import compared_days
from silencio.drift.policy import DriftPolicy
from silencio.drift.rows import client, microphone, model, season, unexplained, weather
from silencio.drift.rows.finding import Evidence, Finding

# An alert is of days of two weeks: with a longer gap between them it is another story.
_MAX_AGE_DAYS = 14
_ROWS = (client.row, microphone.row, weather.row, season.row, model.row, unexplained.row)
# Days whose cause is known without waiting.
_AT_ONCE = frozenset({"release", "client_or_pipeline"})


@dataclass(frozen=True)
class Versions:
    """Which bundle versions answered.

    Attributes:
        reference: Version of the reference.
        shares: Share of the day's recordings by version.
    """

    reference: str
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def other_share(self) -> float:
        """Share of versions that are not the reference's."""
        return sum(share for version, share in self.shares.items() if version != self.reference)


def causes_of(
    comparison: DayComparison,
    versions: Versions,
    policy: DriftPolicy,
    day: date,
    history: Mapping[date, SiteVerdict],
) -> tuple[CauseFound, ...]:
    """Causes of a site's day, the first matching row first.

    Args:
        comparison: What the day showed.
        versions: Which bundles answered.
        policy: Thresholds.
        day: The day.
        history: Verdicts of days before.
    """
    evidence = Evidence(comparison, policy, day, history)
    found: list[Finding] = []
    if versions.other_share >= policy.attribution.release_share:
        found.append(_release(versions))
    for row in _ROWS:
        found += row(evidence, tuple(found))
    return tuple(_cause(one, policy, day, history) for one in found)


def _release(versions: Versions) -> Finding:
    shares = ", ".join(f"{version} {share:.0%}" for version, share in sorted(versions.shares.items()))
    return Finding(
        cause="release",
        evidence=(
            f"bundle versions of the day: {shares}; the reference is of {versions.reference}, so that "
            "predictions are not compared",
        ),
        action="look",
    )


def _cause(finding: Finding, policy: DriftPolicy, day: date, history: Mapping[date, SiteVerdict]) -> CauseFound:
    days = compared_days(history, day, _MAX_AGE_DAYS)
    past = [_found(history[one], finding.cause) for one in days if _is_seen(history[one], finding)]
    n_in_a_row = 1 + next((place for place, one in enumerate(past) if one is None), len(past))
    last = past[: policy.alert.of - 1]
    n_days = 1 + sum(one is not None for one in last)
    is_alert = n_days >= policy.alert.days
    # What was found lately goes on, while an alert of it is due over a day's gap, too. Its beginning may lie before all
    # documents that are at hand, and is known by them.
    before = next((one for one in (last if is_alert else last[:1]) if one is not None), None)
    return CauseFound(
        cause=finding.cause,
        certainty=_certainty(finding, n_in_a_row, policy),
        since=day if before is None else before.since,
        n_days_of_four=n_days,
        alert=is_alert,
        devices=finding.devices,
        devices_of_other_sound=finding.devices_of_other_sound,
        evidence=finding.evidence,
        action=finding.action,
    )


def _found(verdict: SiteVerdict, cause: Cause) -> CauseFound | None:
    return next((one for one in verdict.causes if one.cause == cause), None)


def _is_seen(verdict: SiteVerdict, finding: Finding) -> bool:
    """Whether a day could have shown what was found: one on which none of its devices recorded could not."""
    return (
        not finding.devices
        or _found(verdict, finding.cause) is not None
        or any(one.device_id in finding.devices for one in verdict.signals)
    )


def _certainty(finding: Finding, n_days: int, policy: DriftPolicy) -> Certainty:
    limits = policy.attribution
    confirmed = limits.season_days_confirmed if finding.cause == "season_or_species_mix" else limits.days_confirmed
    by_days: Certainty = (
        "confirmed"
        if n_days >= confirmed or finding.cause in _AT_ONCE
        else "likely"
        if n_days >= limits.days_likely
        else "suspected"
    )
    order: Sequence[Certainty] = ("suspected", "likely", "confirmed")
    return order[min(order.index(by_days), order.index(finding.max_certainty))]
