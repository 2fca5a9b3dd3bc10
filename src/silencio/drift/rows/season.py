"""Season or species mix: other species are named, by a shift of their prior; or all backgrounds changed for long."""

from __future__ import annotations

from collections.abc import Sequence

from silencio.drift.document import Action, SignalChange
from silencio.drift.rows.finding import Evidence, Finding, devices_with, has, sentence
from silencio.drift.rows.weather import noisy_devices
from silencio.drift.signals import EMPTY, MIX, SCORE
from silencio.drift.trial import size_in


def row(evidence: Evidence, found: Sequence[Finding]) -> list[Finding]:
    """Species that moved, activity that moved, or a background that moved for good."""
    texts: list[str] = []
    action: Action = "none"
    if not has(found, "weather_and_noise") or lasted_before(evidence):
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
        explained = change.explained_named_share if scores_fell else change.explained_share
        if explained >= limits.min_explained_share:
            texts.append(sentence(moved))
            texts.append(f"another prior of the species explains {explained:.0%} of the change")
            texts += [
                f"{code}: {before:.0%} of what is named before, {now:.0%} now" for code, before, now in change.more
            ]
    if empty is not None and empty.alarm and not scores_fell:
        texts.append(f"{sentence(empty)}: {'fewer' if empty.effect > 0 else 'more'} recordings with an animal")
    return texts


def _background(evidence: Evidence, found: Sequence[Finding]) -> list[str]:
    """Noise that has lasted longer than weather, or a floor that fell, at most of the devices."""
    comparison, limits = evidence.comparison, evidence.policy.attribution
    noisy, alarms = noisy_devices(evidence, found)
    if noisy and not has(found, "weather_and_noise"):
        return [
            f"noise is up at {len(noisy)} devices for longer than weather lasts",
            *(sentence(one) for one in alarms[:2]),
        ]
    out = devices_with(found, "client_or_pipeline") | devices_with(found, "microphone_or_site")
    left = [name for name in comparison.devices if name not in out]
    quiet = [one for one in comparison.signals if one.device_id in left and one.signal == "floor_db" and _falls(one)]
    if len(left) > 1 and any(one.alarm for one in quiet) and len(quiet) >= limits.common_share * len(left):
        return [f"the floor is down at {len(quiet)} of {len(left)} devices", *(sentence(one) for one in quiet[:2])]
    return []


def _falls(change: SignalChange) -> bool:
    return change.effect < 0 and size_in(change.signal, change.effect, change.threshold) >= 0.5
