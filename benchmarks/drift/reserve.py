"""A reserve's recordings, day by day: as the drift library has them, one value a recording, without sound."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.drift.world import Disturbance, World
from silencio.drift.detections import Detections
from silencio.drift.recordings import Recordings
from silencio.drift.reference import as_day
from silencio.drift.signals import INPUTS
from silencio.drift.sun import day_parts, local_days

Array = NDArray[np.float64]
SOUND: dict[str, Any] = json.loads(Path(__file__).with_name("sound.json").read_text(encoding="utf-8"))
_FLOOR = np.array(SOUND["floor_bands_db"])
_OVER = np.array(SOUND["foreground_over_floor_db"])
_INSECT = np.array(SOUND["loudest_insect_over_floor_db"], np.float64)
_SELF_NOISE_DB = -62.0
_DAWN_H, _DUSK_H = (1.0, 2.5), (1.5, 2.0)
_VERSIONS = ("1.0", "1.1")


class Reserve:
    """Devices and species of one made-up reserve; all draws depend on its seed and the day.

    Args:
        world: What it is made of.
        seed: Seed of devices, species and days.
        first: Its first day.
    """

    def __init__(self, world: World, seed: int, first: date = date(2026, 3, 1)) -> None:
        self.world, self.seed, self.first = world, seed, first
        rng = np.random.default_rng([seed, 0])
        n, k = world.n_devices, world.n_species
        self.profile = _FLOOR + rng.normal(0, world.device_gain_db, (n, 1)) + rng.normal(0, 1.0, (n, 8))
        # Rain is not equally loud under every tree.
        self.canopy = rng.lognormal(0, 0.15, n)
        self.rate = rng.lognormal(-2.6, 0.8, k)
        self.by_part = rng.dirichlet(np.full(4, 1.2), k) * 4
        self.by_device = rng.lognormal(0, 0.4, (n, k))
        self.score = rng.uniform(0.68, 0.95, k)
        self.peak = rng.uniform(0, 2 * np.pi, k)

    def recordings(self, days: Sequence[int], disturbances: Sequence[Disturbance] = ()) -> Recordings:
        """Recordings of some days.

        Args:
            days: Days since the first one.
            disturbances: What happens on all of them.
        """
        made = [self._day(day, disturbances) for day in days]
        joined = {name: np.concatenate([one[name] for one in made]) for name in made[0]}
        codes = tuple(f"species{index:02d}" for index in range(self.world.n_species))
        n = len(joined["device"])
        recording, species = np.nonzero(joined["named"])
        devices = tuple(f"device{index + 1:02d}" for index in range(self.world.n_devices))
        changed = joined["changed"].astype(np.int64)
        return Recordings(
            site_id="made-up",
            devices=devices,
            device=joined["device"],
            day=joined["day"],
            part=joined["part"].astype(np.int8),
            values=joined["values"],
            categories={
                "format": (("WAV", "OGG"), changed),
                "sample_rate": (("32000", "24000"), changed),
                "duration": (("under 75 s",), np.zeros(n, np.int64)),
                "client": (("recorder-1", "recorder-2"), changed),
            },
            versions=(_VERSIONS, joined["version"]),
            spec="made-up",
            clock_fault=np.zeros(n, bool),
            detections=Detections(codes, recording, species, joined["probability"][recording, species]),
            failed_device=np.zeros(0, np.int64),
            failed_day=np.zeros(0, np.int64),
        )

    def _day(self, day: int, disturbances: Sequence[Disturbance]) -> dict[str, NDArray[Any]]:
        world = self.world
        rng = np.random.default_rng([self.seed, 1, day])
        number = as_day(self.first + timedelta(days=day))
        n_slots = 24 * 60 // world.minutes_between
        hour = np.tile(np.arange(n_slots) * world.minutes_between / 60.0, world.n_devices)
        device = np.repeat(np.arange(world.n_devices), n_slots)
        east_s = world.longitude * 240.0
        epoch_s = number * 86_400.0 + hour * 3600.0 - east_s
        place = np.full(len(hour), world.latitude), np.full(len(hour), world.longitude)
        part = day_parts(epoch_s, *place, _DAWN_H, _DUSK_H)
        year = 2 * np.pi * (day % 365) / 365
        noise = self._weather(rng, hour, device, year)
        loud = self._insects(rng, part, device, year)
        # A generator of its own, so that the same day is the same but for what happens to it.
        own = np.random.default_rng([self.seed, 2, day])
        noise = noise + self._rain_of(own, disturbances, hour, device)
        floor, foreground = self._bands(rng, device, noise, loud, disturbances)
        named, probability = self._named(rng, part, device, year, noise[:, 2:6].mean(axis=1), disturbances)
        foreground = foreground + np.minimum(named.sum(axis=1), 3)[:, None] * 1.5
        changed = np.zeros(len(hour), bool)
        for one in disturbances:
            if one.kind == "client":
                changed |= _at(one, device, world) & (own.random(len(hour)) < one.size)
        values = _signals(rng, floor, foreground, changed)
        release = any(one.kind == "release" for one in disturbances)
        return {
            "device": device,
            "day": local_days(epoch_s, place[1]),
            "part": part,
            "values": values,
            "named": named,
            "probability": probability,
            "changed": changed,
            "version": np.full(len(hour), int(release), np.int64),
        }

    def _weather(self, rng: np.random.Generator, hour: Array, device: NDArray[np.int64], year: float) -> Array:
        """Wind and rain of an ordinary day, in decibels over the floor, by band."""
        world = self.world
        noise = np.zeros((len(hour), 8))
        wind = rng.gamma(1.5, world.wind_db) * rng.uniform(0.5, 1.0, world.n_devices)[device]
        gusts = wind * rng.gamma(2.0, 0.5, len(hour))
        noise[:, 0] += gusts
        noise[:, 1] += gusts / 2
        share = np.clip(world.rain_share * (1 + 1.5 * world.season * np.sin(year)), 0, 0.9)
        if rng.random() < share:
            begins, lasts = rng.uniform(0, 24), rng.uniform(0.3, world.rain_h * (1 + world.season * (np.sin(year) > 0)))
            rains = np.mod(hour - begins, 24) < lasts
            noise += (rains * self.canopy[device] * rng.gamma(2.0, world.rain_db / 2))[:, None]
        return noise

    def _insects(self, rng: np.random.Generator, part: Array, device: NDArray[np.int64], year: float) -> Array:
        """Choruses: every night a steady one, at dusk bouts of the loudest that was measured."""
        world = self.world
        # A night is much like the one before at the same place.
        night = (
            (4.0 + 3.0 * world.season * np.sin(year)) * rng.lognormal(0, 0.15) * rng.lognormal(0, 0.1, world.n_devices)
        )
        loud = (part == 3)[:, None] * night[device][:, None] * (_INSECT / _INSECT.max())
        bouts = (part == 2) & (rng.random(len(part)) < 0.2)
        return loud + bouts[:, None] * _INSECT * rng.uniform(0.4, 1.0, len(part))[:, None]

    def _rain_of(
        self, rng: np.random.Generator, disturbances: Sequence[Disturbance], hour: Array, device: NDArray[np.int64]
    ) -> Array:
        noise = np.zeros((len(hour), 8))
        begins = rng.uniform(0, 24)
        for one in disturbances:
            if one.kind == "rain":
                rains = (np.mod(hour - begins, 24) < 14.4) & _at(one, device, self.world)
                noise += (rains * one.size * self.canopy[device] * rng.lognormal(0, 0.2, len(hour)))[:, None]
        return noise

    def _bands(
        self,
        rng: np.random.Generator,
        device: NDArray[np.int64],
        noise: Array,
        loud: Array,
        disturbances: Sequence[Disturbance],
    ) -> tuple[Array, Array]:
        """Floor and foreground by band; a microphone's own noise stays where its gain is lost."""
        world = self.world
        n = len(device)
        gain = rng.normal(0, world.gain_db, world.n_devices)[device][:, None]
        floor = self.profile[device] + noise + loud + rng.normal(0, world.recording_db, (n, 8))
        # What is steady has less over it: rain masks what is behind.
        over = _OVER * np.exp(-noise / 12.0) + rng.normal(0, 0.8, (n, 8))
        loss = np.zeros((n, 8))
        for one in disturbances:
            if one.kind in ("gain", "band"):
                bands = slice(None) if one.kind == "gain" else slice(5, 8)
                loss[:, bands] += (_at(one, device, world) * one.size)[:, None]
        both = [
            10 * np.log10(10 ** ((level + gain - loss) / 10) + 10 ** (_SELF_NOISE_DB / 10))
            for level in (floor, floor + over)
        ]
        return both[0], both[1]

    def _named(
        self,
        rng: np.random.Generator,
        part: NDArray[np.int8],
        device: NDArray[np.int64],
        year: float,
        noise_db: Array,
        disturbances: Sequence[Disturbance],
    ) -> tuple[NDArray[np.bool_], Array]:
        """Which species are named in each recording, and with what probability."""
        world = self.world
        k, n = world.n_species, len(part)
        activity = self.rate * np.exp(world.season * 1.2 * np.cos(year - self.peak))
        activity = activity * rng.lognormal(0, world.activity_days, k)
        by_device = self.by_device * rng.lognormal(0, world.activity_device_days, (world.n_devices, k))
        rate = activity * by_device[device] * self.by_part[:, part].T
        rate *= rng.gamma(world.dispersion, 1 / world.dispersion, (n, k))
        drop = np.zeros(n)
        for one in disturbances:
            at = _at(one, device, world)
            if one.kind == "mix":
                factor = np.where(np.arange(k) % 2, one.size, 1 / one.size)
                rate = np.where(at[:, None], rate * factor, rate)
            elif one.kind in ("decay", "release"):
                drop += at * one.size
            elif one.kind in ("gain", "band"):
                drop += at * one.size * world.score_per_db / 2
        drop = drop + noise_db * world.score_per_db
        present = rng.random((n, k)) < 1 - np.exp(-rate)
        mean = np.clip(self.score - drop[:, None], 0.05, 0.98)
        probability = rng.beta(mean * 12, (1 - mean) * 12)
        return present & (probability >= 0.5), probability


def _at(one: Disturbance, device: NDArray[np.int64], world: World) -> NDArray[np.bool_]:
    return np.isin(device, one.devices) if one.devices else np.ones(len(device), bool)


def _signals(rng: np.random.Generator, floor: Array, foreground: Array, changed: NDArray[np.bool_]) -> Array:
    """By `INPUTS`."""
    n = len(floor)
    power = 10 ** (foreground / 10)
    weight = np.sqrt(power)
    centre_hz = (np.array(SOUND["band_edges_hz"][:-1]) + np.array(SOUND["band_edges_hz"][1:])) / 2
    rolloff = np.log((weight * centre_hz).sum(axis=1) / weight.sum(axis=1)) + 0.4 + rng.normal(0, 0.05, n)
    rolloff = np.where(changed, rolloff - 0.25, rolloff)
    flat = 0.25 * np.exp(-np.std(foreground, axis=1) / 10) / np.exp(-0.4) + rng.normal(0, 0.03, n)
    level = 10 * np.log10(power.mean(axis=1)) - 10.0
    columns = {
        "level_db": level,
        "floor_db": floor.mean(axis=1),
        **{f"floor_band_{band + 1}_db": floor[:, band] for band in range(8)},
        "foreground_db": foreground.mean(axis=1),
        "snr_db": (foreground - floor).mean(axis=1) - 1.4 + rng.normal(0, 0.6, n),
        "rolloff_ratio": rolloff,
        "flatness": np.clip(flat, 0, 1),
        "clipped_share": np.clip(10 ** ((level + 3.0) / 4.0) * rng.lognormal(0, 1, n), 0, 1),
        "silence_share": np.clip((-58.0 - level) / 10.0, 0, 1),
    }
    return np.column_stack([columns[signal.name] for signal in INPUTS])
