"""Weather and noise: the floor rose, or the signal-to-noise ratio fell, at most of a site's devices, for some days."""

from __future__ import annotations

from collections.abc import Sequence

from silencio.drift.document import SignalChange
from silencio.drift.policy import AttributionPolicy
from silencio.drift.rows.finding import Evidence, Finding, of_other_sound, sentence
from silencio.drift.signals import FLOOR_BANDS
from silencio.drift.trial import size_in

# A device that is beyond half of its threshold goes along with those that alarm.
_GOES_ALONG = 0.5


def row(evidence: Evidence, found: Sequence[Finding]) -> list[Finding]:
    """Noise that is common to the site's devices, as long as weather lasts."""
    noisy, alarms = noisy_devices(evidence, found)
    limits = evidence.policy.attribution
    if not noisy or lasts_too_long(evidence):
        return []
    n_devices = len(evidence.comparison.devices)
    return [
        Finding(
            cause="weather_and_noise",
            evidence=(
                f"noise is up at {len(noisy)} of {n_devices} devices",
                *(sentence(one) for one in alarms[:4]),
            ),
            action="none",
            devices=noisy if len(noisy) < n_devices else (),
            max_certainty="likely" if n_devices * limits.common_share < 2 else "confirmed",
        )
    ]


def noisy_devices(evidence: Evidence, found: Sequence[Finding]) -> tuple[tuple[str, ...], list[SignalChange]]:
    """Devices at which noise is up, and what alarms there; nothing where they are too few."""
    comparison, limits = evidence.comparison, evidence.policy.attribution
    left = [name for name in comparison.devices if name not in of_other_sound(found)]
    names = noise_signals(limits)
    alarms = [
        one
        for one in comparison.signals
        if one.alarm and one.device_id in left and is_noise(one, (*names, *FLOOR_BANDS))
    ]
    along = tuple(
        name
        for name in left
        if any(
            one.device_id == name
            and is_noise(one, names)
            and size_in(one.signal, one.effect, one.threshold) >= _GOES_ALONG
            for one in comparison.signals
        )
    )
    enough = bool(alarms) and len(along) >= limits.common_share * len(left)
    return (along, alarms) if enough else ((), [])


def noise_signals(limits: AttributionPolicy) -> tuple[str, ...]:
    """The floor as a whole, its lowest bands, and the signal-to-noise ratio."""
    return ("floor_db", *(f"floor_band_{band}_db" for band in limits.low_bands), "snr_db")


def is_noise(change: SignalChange, names: Sequence[str]) -> bool:
    """Whether a signal is of those, in the direction of more noise."""
    return change.signal in names and (change.effect < 0) == (change.signal == "snr_db")


def lasts_too_long(evidence: Evidence) -> bool:
    """Whether noise has lasted longer than weather does."""
    # A season without an action is one of the background.
    days = evidence.days_with("weather_and_noise", 10) + evidence.days_with("season_or_species_mix", 10, "none")
    return days >= evidence.policy.attribution.max_weather_days
