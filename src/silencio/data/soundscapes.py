"""Annotated soundscapes: calls laid over backgrounds at known times and levels, for tests, streams and simulators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from silencio.audio import dequantize, quantize
from silencio.data.annotations import Annotation
from silencio.data.backgrounds import Background, BackgroundConfig, BackgroundPool, Limits
from silencio.data.calls import Band, LabelledWaveform, active_part, call_band, fade, fitted, gain_for_snr
from silencio.errors import DataError
from silencio.features import FeatureSpec


class SoundscapeConfig(BaseModel):
    """What soundscapes are made.

    Attributes:
        seed: Seed of the soundscapes; the same seed, the same to the last sample.
        n_soundscapes: They come one by one: a stream may ask for any number.
        duration_s: Length of each soundscape.
        n_calls: Fewest and most calls in one; fewer than drawn where there is no room.
        snr_db: A call's level over the background (`silencio.data.calls.gain_for_snr`), uniform between these.
        overlap_share: Share of calls that are laid over a call of another species, by at least half of the shorter
            one. All others stand alone.
        max_call_s: A call's longest piece.
        fade_s: Length of the fade at both ends of a call.
        sites: Names, in turn.
        start: Local time of each site's first soundscape.
        interval_s: Interval from the start of a site's soundscape to that of its next; `duration_s` makes an unbroken
            stream.
        backgrounds: What calls are laid over.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    seed: int = Field(0, ge=0)
    n_soundscapes: int = Field(20, ge=1)
    duration_s: float = Field(60.0, gt=0, le=600)
    n_calls: tuple[int, int] = (3, 9)
    snr_db: Limits = (-5.0, 20.0)
    overlap_share: float = Field(0.25, ge=0, le=1)
    max_call_s: float = Field(10.0, gt=0)
    fade_s: float = Field(0.02, ge=0)
    sites: tuple[str, ...] = Field(("SIM01", "SIM02"), min_length=1)
    start: datetime = datetime(2025, 4, 11, 5, 0)  # local time at a site that is made up
    interval_s: float = Field(600.0, ge=1)
    backgrounds: BackgroundConfig = BackgroundConfig()

    @field_validator("n_calls")
    @classmethod
    def _counts(cls, n_calls: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= n_calls[0] <= n_calls[1]:
            raise ValueError(f"{n_calls} is not a fewest and a most number of calls")
        return n_calls


@dataclass(frozen=True)
class AnnotatedSoundscape:
    """A stretch of sound and who calls in it.

    A soundscape over a real background may hold more animals than are annotated: nobody labelled what was there.

    Attributes:
        name: `<site>_<date>_<time>`, as BirdCLEF names its soundscapes.
        site: Name of the site.
        start: Start of its first sample, local where it has no zone (`silencio.local_time`); None where unknown.
        sample_rate_hz: Sample rate of the spec.
        duration_s: Length of the sound.
        annotations: Annotations by time.
        background: Name of the file or kind of noise under it; the file itself for a real soundscape.
        has_real_background: So that it may hold animals nobody labelled.
        waveform: Called, gives int16 (n_samples,): made or decoded then, the same each time, and not kept.
    """

    name: str
    site: str
    start: datetime | None
    sample_rate_hz: int
    duration_s: float
    annotations: tuple[Annotation, ...]
    background: str
    has_real_background: bool
    waveform: Callable[[], NDArray[np.int16]]


@dataclass(frozen=True)
class _Call:
    recording_id: str
    code: str
    waveform: NDArray[np.int16]
    band: Band


@dataclass(frozen=True)
class _Placed:
    call: _Call
    begin: int
    snr_db: float

    @property
    def end(self) -> int:
        return self.begin + len(self.call.waveform)


def generate_soundscapes(
    calls: Iterable[LabelledWaveform | tuple[str, str, NDArray[np.int16]]],
    backgrounds: BackgroundPool,
    spec: FeatureSpec,
    config: SoundscapeConfig,
) -> Iterator[AnnotatedSoundscape]:
    """Make soundscapes, one by one.

    Each call is a recording's active part (`silencio.data.calls.active_part`), so that the annotated time really holds
    sound. Species take turns, a rare one as often as a frequent one, and so do the recordings of each. Where the sum
    would clip, the whole soundscape is made softer: levels against each other stay as annotated.

    Args:
        calls: (recording_id, code, int16 waveform at the spec's rate) of the test set, in any order. Waveforms mapped
            from disk cost no memory. A recording of several species would be annotated with one: leave it out.
        backgrounds: Their half `test` where a model is tested.
        spec: Feature spec, for its sample rate.
        config: What is made.

    Raises:
        DataError: There are no recordings, not one has sound, or the pool has another rate.
    """
    by_code: dict[str, list[LabelledWaveform]] = defaultdict(list)
    for recording in sorted((LabelledWaveform(*call) for call in calls), key=lambda one: one.recording_id):
        by_code[recording.code].append(recording)
    if not by_code:
        raise DataError("soundscapes need recordings, and none was given")
    if backgrounds.sample_rate_hz != spec.sample_rate_hz:
        raise DataError(
            f"the backgrounds have {backgrounds.sample_rate_hz} samples a second, the spec has {spec.sample_rate_hz}"
        )
    turns = _turns(by_code, spec.sample_rate_hz, config)
    return (_soundscape(number, turns, backgrounds, spec, config) for number in range(config.n_soundscapes))


def _turns(
    by_code: dict[str, list[LabelledWaveform]], sample_rate_hz: int, config: SoundscapeConfig
) -> Iterator[_Call]:
    """Calls without end: in each round every species once, in an order of its own."""
    max_s = min(config.max_call_s, config.duration_s)
    n_recordings = sum(len(recordings) for recordings in by_code.values())
    cut: dict[str, _Call] = {}
    for turn in count():
        for code in np.random.default_rng((config.seed, 0, turn)).permutation(sorted(by_code)):
            recording = by_code[code][turn % len(by_code[code])]
            if recording.recording_id not in cut:
                cut[recording.recording_id] = _cut(recording, sample_rate_hz, max_s)
            if len(cut[recording.recording_id].waveform):
                yield cut[recording.recording_id]
        if len(cut) == n_recordings and not any(len(call.waveform) for call in cut.values()):
            raise DataError(f"soundscapes need recordings with sound: all {n_recordings} are silent")


def _cut(recording: LabelledWaveform, sample_rate_hz: int, max_s: float) -> _Call:
    active = np.asarray(recording.waveform)[active_part(recording.waveform, sample_rate_hz, max_s)]
    return _Call(recording.recording_id, recording.code, active, call_band(dequantize(active), sample_rate_hz))


def _soundscape(
    number: int, turns: Iterator[_Call], backgrounds: BackgroundPool, spec: FeatureSpec, config: SoundscapeConfig
) -> AnnotatedSoundscape:
    rng = np.random.default_rng((config.seed, 1, number))
    n_samples = round(config.duration_s * spec.sample_rate_hz)
    placed: list[_Placed] = []
    for _ in range(int(rng.integers(config.n_calls[0], config.n_calls[1] + 1))):
        call = next(turns)
        begin = _draw_begin(call, placed, n_samples, config.overlap_share, rng)
        snr_db = float(rng.uniform(*config.snr_db))
        if begin is not None:
            placed.append(_Placed(call, begin, snr_db))
    placed.sort(key=lambda one: one.begin)
    background = backgrounds.draw(config.backgrounds, rng)
    site = config.sites[number % len(config.sites)]
    start = config.start + timedelta(seconds=config.interval_s * (number // len(config.sites)))
    return AnnotatedSoundscape(
        name=f"{site}_{start:%Y%m%d_%H%M%S}",
        site=site,
        start=start,
        sample_rate_hz=spec.sample_rate_hz,
        duration_s=n_samples / spec.sample_rate_hz,
        annotations=tuple(_annotation(one, spec.sample_rate_hz) for one in placed),
        background=background.name,
        has_real_background=background.is_real,
        waveform=partial(_render, background, placed, n_samples, spec.sample_rate_hz, config.fade_s),
    )


def _draw_begin(
    call: _Call, placed: list[_Placed], n_samples: int, overlap_share: float, rng: np.random.Generator
) -> int | None:
    """The sample at which a call begins; None where there is no room for one that stands alone."""
    length = len(call.waveform)
    others = [one for one in placed if one.call.code != call.code]
    if rng.random() < overlap_share and others:
        other = others[int(rng.integers(len(others)))]
        shared = min(length, other.end - other.begin) // 2
        begin = int(rng.integers(other.begin - length + shared, other.end - shared + 1))
        return min(max(begin, 0), n_samples - length)
    rooms = [room for room in _rooms(placed, n_samples) if room[1] - room[0] >= length]
    places = [end - begin - length + 1 for begin, end in rooms]
    if not rooms:
        return None
    place = int(rng.integers(sum(places)))
    for (begin, _), n_places in zip(rooms, places, strict=True):
        if place < n_places:
            return begin + place
        place -= n_places
    raise AssertionError("a place lies in one of the rooms")


def _rooms(placed: list[_Placed], n_samples: int) -> Iterator[tuple[int, int]]:
    """Where nothing calls yet, as (begin, end)."""
    reached = 0
    for one in sorted(placed, key=lambda one: one.begin):
        yield reached, one.begin
        reached = max(reached, one.end)
    yield reached, n_samples


def _annotation(placed: _Placed, sample_rate_hz: int) -> Annotation:
    call = placed.call
    return Annotation(
        code=call.code,
        begin_s=placed.begin / sample_rate_hz,
        end_s=placed.end / sample_rate_hz,
        low_hz=call.band.low_hz,
        high_hz=call.band.high_hz,
        snr_db=placed.snr_db,
        recording_id=call.recording_id,
    )


def _render(
    background: Background, placed: list[_Placed], n_samples: int, sample_rate_hz: int, fade_s: float
) -> NDArray[np.int16]:
    under = background.samples(n_samples)
    mixed = under.copy()
    for one in placed:
        here = slice(one.begin, one.end)
        call = fade(dequantize(one.call.waveform), sample_rate_hz, fade_s)
        mixed[here] += call * np.float32(gain_for_snr(call, under[here], sample_rate_hz, one.snr_db, one.call.band))
    return quantize(fitted(mixed))
