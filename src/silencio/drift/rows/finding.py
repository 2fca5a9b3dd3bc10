"""What a row of the table finds, and what it looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from silencio.drift.comparison import DayComparison
from silencio.drift.document import Action, Cause, Certainty, SignalChange, SiteVerdict
from silencio.drift.past_days import compared_days
from silencio.drift.policy import DriftPolicy

# Days that were compared are looked for so far back: weather and seasons of a site that records every third day.
_MAX_AGE_DAYS = 28
_WORDS = {"db": "{:+.1f} dB", "share": "{:+.3f}", "ratio": "{:+.0%}", "jsd": "{:.3f} bits", "probability": "{:+.3f}"}


@dataclass(frozen=True)
class Finding:
    """A row that matched.

    Attributes:
        cause: Its cause.
        evidence: Sentences.
        action: What to do.
        devices: Devices that have it; empty for the site.
        devices_of_other_sound: Those of them whose sound it changes.
        max_certainty: Certainty above which no number of days takes it.
    """

    cause: Cause
    evidence: tuple[str, ...]
    action: Action
    devices: tuple[str, ...] = ()
    devices_of_other_sound: tuple[str, ...] = ()
    max_certainty: Certainty = "confirmed"


@dataclass(frozen=True)
class Evidence:
    """A site's day, and the days before.

    Attributes:
        comparison: What the day showed.
        policy: Thresholds.
        day: The day.
        history: Verdicts of days before.
    """

    comparison: DayComparison
    policy: DriftPolicy
    day: date
    history: Mapping[date, SiteVerdict]

    def days_with(self, cause: Cause, n_days: int, action: Action | None = None) -> int:
        """Of so many compared days before this one, those with the cause (and the action, where one is given)."""
        days = compared_days(self.history, self.day, _MAX_AGE_DAYS)[:n_days]
        return sum(
            any(one.cause == cause and action in (None, one.action) for one in self.history[day].causes) for day in days
        )


def of_other_sound(found: Sequence[Finding]) -> frozenset[str]:
    """Devices whose sound a cause has changed that was found: what else moves there is no news of the site."""
    return frozenset(device for one in found for device in one.devices_of_other_sound)


def all_devices_changed(evidence: Evidence, found: Sequence[Finding]) -> bool:
    """Whether no device is left whose sound is as it was: outputs say nothing then."""
    devices = frozenset(evidence.comparison.devices)
    return bool(devices) and devices <= of_other_sound(found)


def has(found: Sequence[Finding], cause: Cause) -> bool:
    """Whether a cause was found."""
    return any(one.cause == cause for one in found)


def sentence(change: SignalChange) -> str:
    """One signal in words: its effect, its threshold, its q."""
    unit = _WORDS[change.unit]
    at = f"{change.device_id}: " if change.device_id else "site: "
    limit = unit.format(change.threshold).lstrip("+")
    return f"{at}{change.signal} {unit.format(change.effect)} (threshold {limit}, q = {change.q:.2g})"
