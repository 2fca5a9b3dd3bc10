"""The plot: which day has which disturbance, where, and which alert it must and alone may raise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal

import numpy as np

Condition = Literal["normal", "microphone", "rain", "season", "broken"]
Part = Literal["dawn", "day", "dusk", "night"]
PARTS: tuple[Part, ...] = ("dawn", "day", "dusk", "night")
# Hours of the site's clock in which a part's recordings are made: well inside of it, at six degrees north in March.
_HOURS: dict[Part, tuple[float, float]] = {
    "dawn": (5.6, 8.0),
    "day": (9.5, 15.0),
    "dusk": (17.0, 19.2),
    "night": (20.6, 23.8),
}
ZONE = timezone(timedelta(hours=-5))
FIRST_DAY = date(2026, 3, 1)
# What a device sends in a part of a day: drift compares cells of at least 20.
RECORDINGS_PER_CELL = 24


@dataclass(frozen=True)
class Site:
    """A site.

    Attributes:
        site_id: Its id.
        latitude: Degrees north.
        longitude: Degrees east.
        devices: Ids of its recorders.
    """

    site_id: str
    latitude: float
    longitude: float
    devices: tuple[str, ...]


SITES = tuple(
    Site(name, latitude, -75.0, tuple(f"{name}-{number}" for number in (1, 2, 3)))
    for name, latitude in (("ridge", 6.0), ("creek", 6.1), ("forest", 6.2))
)


@dataclass(frozen=True)
class Disturbance:
    """Something that happens.

    Attributes:
        condition: What the recordings are like.
        cause: The cause that drift must name.
        alert: The alert that must fire.
        devices: Devices whose recordings they are.
        first_day: Number of its first day, from 0.
        n_days: How many days it lasts.
    """

    condition: Condition
    cause: str
    alert: str
    devices: tuple[str, ...]
    first_day: int
    n_days: int

    @property
    def sites(self) -> frozenset[str]:
        return frozenset(site.site_id for site in SITES if set(site.devices) & set(self.devices))

    def holds(self, day: int) -> bool:
        return self.first_day <= day < self.first_day + self.n_days


@dataclass(frozen=True)
class Story:
    """A plot.

    Attributes:
        n_reference_days: Days before Prometheus watches, of which the field reference is made.
        n_days: All of them.
        disturbances: In turn.
    """

    n_reference_days: int
    n_days: int
    disturbances: tuple[Disturbance, ...]

    def condition(self, day: int, device: str) -> Condition:
        """What a device's recordings of a day are like."""
        found = [one.condition for one in self.disturbances if one.holds(day) and device in one.devices]
        return found[0] if found else "normal"

    def cells(self) -> list[tuple[Condition, str]]:
        """Every condition of each device that some day needs."""
        every = {
            (self.condition(day, device), device)
            for day in range(self.n_days)
            for site in SITES
            for device in site.devices
        }
        return sorted(every)


def _all_devices(*sites: Site) -> tuple[str, ...]:
    return tuple(device for site in sites for device in site.devices)


_RIDGE, _CREEK, _FOREST = SITES
_MICROPHONE = ("microphone", "microphone_or_site", "SilencioDriftMicrophoneOrSite", ("ridge-2",))
_RAIN = ("rain", "weather_and_noise", "SilencioDriftWeatherAndNoise", _all_devices(_CREEK))
_SEASON = ("season", "season_or_species_mix", "SilencioDriftSeasonOrSpeciesMix", _all_devices(_FOREST))
_BROKEN = ("broken", "model_decay", "SilencioDriftModelDecay", _all_devices(*SITES))

# After each an undisturbed stretch in which its alert must end: three of four days are over after two.
MONTH = Story(
    n_reference_days=8,
    n_days=28,
    disturbances=(
        Disturbance(*_MICROPHONE, first_day=9, n_days=3),  # type: ignore[arg-type]
        Disturbance(*_RAIN, first_day=14, n_days=3),  # type: ignore[arg-type]
        Disturbance(*_SEASON, first_day=19, n_days=3),  # type: ignore[arg-type]
        Disturbance(*_BROKEN, first_day=24, n_days=3),  # type: ignore[arg-type]
    ),
)
SMOKE = Story(
    n_reference_days=8,
    n_days=12,
    disturbances=(Disturbance(*_MICROPHONE, first_day=9, n_days=3),),  # type: ignore[arg-type]
)


def day_of(number: int) -> date:
    """The date of a day."""
    return FIRST_DAY + timedelta(days=number)


def moments(rng: np.random.Generator, number: int, part: Part, n: int) -> Sequence[datetime]:
    """When recordings of a part of a day were made, in order, UTC.

    Args:
        rng: Random numbers.
        number: Number of the day.
        part: Part of the day, by the site's clock.
        n: How many.
    """
    begin_h, end_h = _HOURS[part]
    midnight = datetime.combine(day_of(number), datetime.min.time(), ZONE)
    hours = np.sort(rng.uniform(begin_h, end_h, n))
    return [(midnight + timedelta(hours=float(hour))).astimezone(UTC) for hour in hours]
