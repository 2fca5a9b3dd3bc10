"""What a made-up reserve is made of, and what may happen to it.

Levels, their spread and the loudest insects are measured on real recordings (`sound.json`; no sound is needed to run
this); weather, over-dispersed activity and how scores fall with noise are assumptions, each a field here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["gain", "band", "rain", "client", "mix", "decay", "release"]


@dataclass(frozen=True)
class World:
    """A reserve without disturbances.

    Attributes:
        n_devices: Recorders.
        minutes_between: From one recording of a minute to the next.
        n_species: That the bundle may name.
        latitude: Degrees north.
        longitude: Degrees east.
        gain_db: Standard deviation of a device's gain from day to day.
        device_gain_db: The same between devices.
        recording_db: The same of a band's floor between recordings of an hour.
        wind_db: Scale of a day's wind in the lowest band; half of it in the next one.
        rain_share: Share of days with rain, in the middle of the year's two seasons.
        rain_db: Scale of what rain adds to all bands.
        rain_h: Longest rain of an ordinary day.
        activity_days: Standard deviation of the logarithm of a species' activity from day to day, at all devices.
        activity_device_days: The same at each device by itself.
        dispersion: Shape of the gamma distribution of activity between recordings: calls come in bouts.
        season: How far the year moves activity, rain and insects; 0 is a reserve without seasons.
        score_per_db: What a decibel of noise takes from the probability of what is named.
    """

    n_devices: int = 10
    minutes_between: int = 10
    n_species: int = 24
    latitude: float = -2.5
    longitude: float = -79.2
    gain_db: float = 0.5
    device_gain_db: float = 2.0
    recording_db: float = 1.5
    wind_db: float = 1.0
    rain_share: float = 0.25
    rain_db: float = 6.0
    rain_h: float = 3.0
    activity_days: float = 0.25
    activity_device_days: float = 0.25
    dispersion: float = 0.7
    season: float = 0.0
    score_per_db: float = 0.006


@dataclass(frozen=True)
class Disturbance:
    """Something of known cause and size, on every day that it is given for.

    Attributes:
        kind: `gain` and `band` of microphones (dB lost, in all bands or the upper three), `rain` (dB, 60 % of the day),
            `client` (share of the recordings that come as another format and rate), `mix` (factor of half of the
            species, and its inverse of the others), `decay` (what scores lose; precision loses twice as much), and
            `release` (another bundle version, whose scores are lower by the size).
        size: As `kind` has it.
        devices: Indices of the devices; empty is all.
    """

    kind: Kind
    size: float
    devices: tuple[int, ...] = ()


# By kind: the cause that is right.
RIGHT: Mapping[str, str] = {
    "gain": "microphone_or_site",
    "band": "microphone_or_site",
    "rain": "weather_and_noise",
    "client": "client_or_pipeline",
    "mix": "season_or_species_mix",
    "decay": "model_decay",
    "release": "release",
}


@dataclass(frozen=True)
class Case:
    """Disturbances that begin on one day and stay.

    Attributes:
        disturbances: All of them.
        reviews: Reviewed detections a day; 0 is none.
        world: The reserve.
    """

    disturbances: tuple[Disturbance, ...] = ()
    reviews: int = 0
    world: World = field(default_factory=World)
