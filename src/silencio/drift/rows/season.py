"""Season or species mix: other species are named, by a shift of their prior; or all backgrounds changed for long."""

from __future__ import annotations

from collections.abc import Sequence

from silencio.drift.document import Action, SignalChange
from silencio.drift.rows.finding import Evidence, Finding, all_devices_changed, has, of_other_sound, sentence
from silencio.drift.rows.weather import noisy_devices
from silencio.drift.signals import EMPTY, FLOOR_BANDS, MIX, REVIEW, SCORE
from silencio.drift.trial import size_in

_MIN_DEVICES = 2
# A device that is beyond half of its threshold goes along with those that alarm.
_GOES_ALONG = 0.5


def row(evidence: Evidence, found: Sequence[Finding]) -> list[Finding]:
    """Species that moved, activity that moved, or a background that moved for good."""
    texts: list[str] = []
    action: Action = "none"
    review = evidence.comparison.find(REVIEW.name)
    # What is named is no evidence of what was there once people find it wrong.
    is_wrong = review is not None and review.alarm
    hidden = is_wrong or (has(found, "weather_and_noise") and not lasted_before(evidence))
    if not hidden and not all_devices_changed(evidence, found):
        texts += _mix(evidence)
        action = "review" if texts else "none"
    background = _background(evidence, found)
    texts += background
    if not texts:
        return []
    only_background = len(texts) == len(background)
    return [
        Finding(
            cause="season_or_species_mix",
            evidence=tuple(texts),
            action=action,
            max_certainty="likely" if only_background else "confirmed",
        )
    ]


def lasted_before(evidence: Evidence) -> bool:
    """Whether the season was found on two of the last three days: weather does not hide it then."""
    return evidence.days_with("season_or_species_mix", 3) >= 2


def _mix(evidence: Evidence) -> list[str]:
    comparison, limits = evidence.comparison, evidence.policy.attribution
    moved, score, empty = (comparison.find(signal.name) for signal in (MIX, SCORE, EMPTY))
    change = comparison.mix
    scores_fell = score is not None and score.alarm
    texts = []
    if moved is not None and moved.alarm and change is not None:
        scores_fit = scores_fell or change.explained_share >= limits.min_explained_score_share
        if change.explained_named_share >= limits.min_explained_share and scores_fit:
            texts.append(sentence(moved))
            if change.is_of_validation:
                texts.append(f"another prior of the species explains {change.explained_named_share:.0%} of the change")
            texts += [
                f"{code}: {before:.0%} of what is named before, {now:.0%} now" for code, before, now in change.more
            ]
    if empty is not None and empty.alarm and not scores_fell:
        texts.append(f"{sentence(empty)}: {'fewer' if empty.effect > 0 else 'more'} recordings with an animal")
    return texts


def _background(evidence: Evidence, found: Sequence[Finding]) -> list[str]:
    """Noise that has lasted longer than weather, or a band of the floor that moved, at (nearly) all devices."""
    comparison, limits = evidence.comparison, evidence.policy.attribution
    noisy, alarms = noisy_devices(evidence, found)
    if noisy and not has(found, "weather_and_noise"):
        return [
            f"noise is up at {len(noisy)} devices for longer than weather lasts",
            *(sentence(one) for one in alarms[:2]),
        ]
    left = [name for name in comparison.devices if name not in of_other_sound(found)]
    if len(left) < _MIN_DEVICES or has(found, "weather_and_noise"):
        return []
    texts = []
    for name in ("floor_db", *FLOOR_BANDS):
        for sign in (1, -1):
            moved = [one for one in comparison.signals if one.signal == name and one.device_id in left]
            moved = [one for one in moved if one.effect * sign > 0 and _goes_along(one)]
            if any(one.alarm for one in moved) and len(moved) >= limits.common_share * len(left):
                texts.append(f"{name} is {'up' if sign > 0 else 'down'} at {len(moved)} of {len(left)} devices")
    return texts


def _goes_along(change: SignalChange) -> bool:
    return size_in(change.signal, change.effect, change.threshold) >= _GOES_ALONG
