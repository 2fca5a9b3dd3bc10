"""Which part of the day a recording was made in, by the sun at its place.

Source: NOAA's general solar position calculations (equation of time, declination, hour angle of sunrise), good to a
minute or two between the polar circles. `astral` has the same formulas for one moment at a time; a month of a reserve
is 43,000.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

DAY_PARTS: Final = ("dawn", "day", "dusk", "night")
DAWN, DAY, DUSK, NIGHT = range(4)
_SECONDS_PER_DAY = 86_400
_MINUTES_PER_DAY = 1440.0
_MINUTES_PER_DEGREE = 4.0
# The sun's upper edge at the horizon, with refraction.
_ZENITH_DEGREES = 90.833
_DAYS_PER_YEAR = 365.2422


def local_days(epoch_s: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.int64]:
    """The local day of moments, by the mean sun: days since 1970-01-01.

    Args:
        epoch_s: Seconds since 1970 in UTC, shape (n,).
        longitude: Degrees east, shape (n,); not a number where unknown: UTC's day.
    """
    east_s = np.nan_to_num(longitude) * _MINUTES_PER_DEGREE * 60.0
    return np.floor((epoch_s + east_s) / _SECONDS_PER_DAY).astype(np.int64)


def day_parts(
    epoch_s: NDArray[np.float64],
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    dawn_h: tuple[float, float],
    dusk_h: tuple[float, float],
) -> NDArray[np.int8]:
    """The part of the day of moments: an index of `DAY_PARTS`, shape (n,).

    Where the place is unknown, the sun rises at 6 and sets at 18 hours of UTC (of the place's mean sun, where the
    longitude alone is known). Where it does not rise or set that day, all of it is night or day.

    Args:
        epoch_s: Seconds since 1970 in UTC, shape (n,).
        latitude: Degrees north, shape (n,); not a number where unknown.
        longitude: Degrees east, shape (n,); not a number where unknown.
        dawn_h: Hours before and after sunrise that are dawn.
        dusk_h: Hours before and after sunset that are dusk.
    """
    equation_min, half_day_min = _sun(epoch_s, latitude)
    known = np.isfinite(latitude) & np.isfinite(longitude)
    equation_min = np.where(known, equation_min, 0.0)
    half_day_min = np.where(known, half_day_min, 360.0)
    utc_min = np.mod(epoch_s, _SECONDS_PER_DAY) / 60.0
    # Minutes since the sun was lowest.
    sun_min = np.mod(utc_min + _MINUTES_PER_DEGREE * np.nan_to_num(longitude) + equation_min, _MINUTES_PER_DAY)
    from_rise_h = (sun_min - (720.0 - half_day_min)) / 60.0
    from_set_h = (sun_min - (720.0 + half_day_min)) / 60.0
    part = np.where((from_rise_h >= 0) & (from_set_h < 0), DAY, NIGHT)
    rises = (half_day_min > 0) & (half_day_min < 720.0)
    # A short day's dawn ends where the sun is highest, a short night's dusk where it is lowest.
    morning = sun_min < 720.0
    part = np.where(rises & morning & (from_rise_h >= -dawn_h[0]) & (from_rise_h < dawn_h[1]), DAWN, part)
    part = np.where(rises & ~morning & (from_set_h >= -dusk_h[0]) & (from_set_h < dusk_h[1]), DUSK, part)
    return part.astype(np.int8)


def _sun(
    epoch_s: NDArray[np.float64], latitude: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Equation of time in minutes, and half the length of the day in minutes: 0 where it does not rise, 720 not set."""
    year = 2.0 * np.pi * np.mod(epoch_s / _SECONDS_PER_DAY, _DAYS_PER_YEAR) / _DAYS_PER_YEAR
    equation_min = 229.18 * (
        0.000075
        + 0.001868 * np.cos(year)
        - 0.032077 * np.sin(year)
        - 0.014615 * np.cos(2 * year)
        - 0.040849 * np.sin(2 * year)
    )
    declination = (
        0.006918
        - 0.399912 * np.cos(year)
        + 0.070257 * np.sin(year)
        - 0.006758 * np.cos(2 * year)
        + 0.000907 * np.sin(2 * year)
        - 0.002697 * np.cos(3 * year)
        + 0.00148 * np.sin(3 * year)
    )
    north = np.deg2rad(np.clip(latitude, -89.9, 89.9))
    cosine = np.cos(np.deg2rad(_ZENITH_DEGREES)) / (np.cos(north) * np.cos(declination))
    cosine = cosine - np.tan(north) * np.tan(declination)
    half_day_min = np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))) * _MINUTES_PER_DEGREE
    return equation_min, half_day_min
