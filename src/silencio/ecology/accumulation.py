"""How species accumulate with minutes of sound, and how soon so many of them are there.

Source: sample-based rarefaction rescaled to effort (Gotelli and Colwell 2001); the units are recordings.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.ecology.detections import Detection
from silencio.ecology.recordings import Recording
from silencio.ecology.richness import Estimate, expected_species, moved, resamples
from silencio.ecology.sessions import Session

_N_POINTS = 61


@dataclass(frozen=True)
class Benchmark:
    """So many species in so many minutes.

    Attributes:
        n_species: Species.
        minutes: Minutes of sound.
    """

    n_species: int = 15
    minutes: float = 30.0


@dataclass(frozen=True)
class Accumulation:
    """Expected species after so many minutes of recordings, drawn at random from all of the period.

    Attributes:
        n_recordings: Recordings that they are drawn from.
        minutes: Minutes of sound, rising from 0 to all that there are, (n_points,).
        species: Expected species, (n_points,).
        low: Lower bound, (n_points,); not a number where there are fewer than five blocks.
        high: Upper bound, (n_points,); not a number there, too.
        species_in_minutes: Expected species after the benchmark's minutes; without a value where less was recorded.
        minutes_to_species: Minutes after which the benchmark's species are expected; without a value where all minutes
            together have fewer, and without an upper bound where the interval's lower end has.
        n_long_sessions: Sessions with at least the benchmark's minutes of sound.
        n_sessions_reached: Long sessions that had the benchmark's species within its minutes.
    """

    n_recordings: int
    minutes: NDArray[np.float64]
    species: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    species_in_minutes: Estimate
    minutes_to_species: Estimate
    n_long_sessions: int
    n_sessions_reached: int


def accumulation(
    recordings: Sequence[Recording],
    detections: Sequence[Detection],
    sessions: Sequence[Session],
    benchmark: Benchmark,
    n_resamples: int = 200,
    seed: int = 0,
) -> Accumulation:
    """The curve of a trail in a season.

    Recordings of one session, or of one recorder's day, resemble each other, and are drawn together by the bootstrap.
    Minutes that follow each other resemble each other too: a walk of 30 minutes finds fewer species than 30 minutes
    that are drawn from a month, which is why long sessions are counted beside the curve.

    Args:
        recordings: Recordings of the group.
        detections: Their accepted detections.
        sessions: Sessions of the group.
        benchmark: How many species in how many minutes.
        n_resamples: Resamples of the bootstrap.
        seed: Seed of its draws.
    """
    n, sound, species = _by_block(recordings, detections)
    total = float(sound.sum())
    # Denser at the beginning, where the curve bends.
    minutes = np.linspace(0.0, 1.0, _N_POINTS) ** 2 * total
    if total > 0:
        # And around the benchmark, which lies between the first two points of a recorder's month.
        near = np.linspace(0.0, min(2.0 * benchmark.minutes, total), _N_POINTS)
        minutes = np.unique(np.concatenate([minutes, near]))
    long_sessions = [one for one in sessions if one.sound_s >= benchmark.minutes * 60]
    reached = [
        one
        for one in long_sessions
        if sum(after_s <= benchmark.minutes * 60 for after_s in one.species.values()) >= benchmark.n_species
    ]
    if total == 0:
        none = np.zeros(_N_POINTS)
        return Accumulation(0, minutes, none, none, none, Estimate(None), Estimate(None), len(long_sessions), 0)
    drawn = resamples(len(n), n_resamples, seed)
    curve = _curve(species.sum(axis=0)[None], n.sum()[None], sound.sum()[None], minutes)[0]
    curves = _curve(drawn @ species, drawn @ n, drawn @ sound, minutes)
    bounds = [moved(float(value), column, len(n)) for value, column in zip(curve, curves.T, strict=True)]
    low = np.maximum.accumulate(np.array([np.nan if one.low is None else one.low for one in bounds]))
    high = np.maximum.accumulate(np.array([np.nan if one.high is None else one.high for one in bounds]))
    at = np.array([benchmark.minutes])
    in_minutes = Estimate(None)
    if total >= benchmark.minutes:
        value = _curve(species.sum(axis=0)[None], n.sum()[None], sound.sum()[None], at)[0, 0]
        in_minutes = moved(float(value), _curve(drawn @ species, drawn @ n, drawn @ sound, at)[:, 0], len(n))
    to_species = Estimate(
        _first(minutes, curve, benchmark.n_species),
        _first(minutes, high, benchmark.n_species),
        _first(minutes, low, benchmark.n_species),
    )
    return Accumulation(
        len(recordings), minutes, curve, low, high, in_minutes, to_species, len(long_sessions), len(reached)
    )


def block_of(recording: Recording) -> Hashable:
    """Recordings that are drawn together: of one session, else of one recorder's day."""
    if recording.session_id is not None:
        return recording.session_id
    return recording.site_id, recording.device_id, recording.begun_at.date()


def _by_block(
    recordings: Sequence[Recording], detections: Sequence[Detection]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Recordings, minutes, and recordings with each species, by block: (n,), (n,) and (n, n_species)."""
    blocks = {block: i for i, block in enumerate(dict.fromkeys(block_of(one) for one in recordings))}
    columns = {code: i for i, code in enumerate(sorted({one.code for one in detections}))}
    n, sound, species = np.zeros(len(blocks)), np.zeros(len(blocks)), np.zeros((len(blocks), len(columns)))
    for one in recordings:
        n[blocks[block_of(one)]] += 1
        sound[blocks[block_of(one)]] += one.duration_s / 60
    # A recording counts a species once.
    first = {(one.recording.prediction_id, one.code): one.recording for one in detections}
    for (_, code), recording in first.items():
        species[blocks[block_of(recording)], columns[code]] += 1
    return n, sound, species


def _curve(
    species: NDArray[np.float64], n: NDArray[np.float64], sound: NDArray[np.float64], minutes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Expected species at each number of minutes, (n_resamples, n_minutes); at most what the resample has."""
    rows = []
    for with_species, n_recordings, total in zip(species, n, sound, strict=True):
        drawn = np.minimum(minutes * n_recordings / total, n_recordings)
        rows.append(expected_species(with_species[None, :], n_recordings, drawn))
    return np.array(rows)


def _first(minutes: NDArray[np.float64], curve: NDArray[np.float64], n_species: int) -> float | None:
    """The minute at which a rising curve is at so many species; None where it never is."""
    above = np.flatnonzero(curve >= n_species - 1e-9)
    if not len(above):
        return None
    i = int(above[0])
    if i == 0:
        return float(minutes[0])
    rise = curve[i] - curve[i - 1]
    return float(minutes[i - 1] + (n_species - curve[i - 1]) / rise * (minutes[i] - minutes[i - 1]))
