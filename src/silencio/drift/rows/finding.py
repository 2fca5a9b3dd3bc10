"""What a row of the table finds, and what it looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from silencio.drift.comparison import DayComparison
from silencio.drift.document import Action, Cause, Certainty, SignalChange, SiteVerdict
from silencio.drift.policy import DriftPolicy

_WORDS = {"db": "{:+.1f} dB", "share": "{:+.3f}", "ratio": "{:+.0%}", "jsd": "{:.3f} bits", "probability": "{:+.3f}"}


@dataclass(frozen=True)
class Finding:
    """A row that matched.

    Attributes:
        cause: Its cause.
        evidence: Sentences.
        action: What to do.
        devices: Devices that have it; empty for the site.
        max_certainty: Certainty above which no number of days takes it.
    """

    cause: Cause
    evidence: tuple[str, ...]
    action: Action
    devices: tuple[str, ...] = ()
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
        """Of so many days before this one, those with the cause (and the action, where one is given)."""
        days = [self.day - timedelta(days=back) for back in range(1, n_days + 1)]
        return sum(
            any(one.cause == cause and action in (None, one.action) for one in self.history[day].causes)
            for day in days
            if day in self.history
        )


def devices_with(found: Sequence[Finding], cause: Cause) -> frozenset[str]:
    """Devices at which a cause was found."""
    return frozenset(device for one in found if one.cause == cause for device in one.devices)


def all_devices_changed(evidence: Evidence, found: Sequence[Finding]) -> bool:
    """Whether no device is left whose sound is as it was: outputs say nothing then."""
    devices = frozenset(evidence.comparison.devices)
    return bool(devices) and devices <= (
        devices_with(found, "microphone_or_site") | devices_with(found, "client_or_pipeline")
    )


def has(found: Sequence[Finding], cause: Cause) -> bool:
    """Whether a cause was found."""
    return any(one.cause == cause for one in found)


def sentence(change: SignalChange) -> str:
    """One signal in words: its effect, its threshold, its q."""
    unit = _WORDS[change.unit]
    at = f"{change.device_id}: " if change.device_id else "site: "
    limit = unit.format(change.threshold).lstrip("+")
    return f"{at}{change.signal} {unit.format(change.effect)} (threshold {limit}, q = {change.q:.2g})"
