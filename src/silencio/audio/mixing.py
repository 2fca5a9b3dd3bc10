"""Several channels to one, samples to full scale: what must be known of a whole recording before its first block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.audio.notes import ReadingNote

# Of the loudest channel's power: a channel below holds nothing but the converter's noise.
_DEAD_SHARE = 1e-6
# Of the channels' mean power: two equal channels of correlation -0.6 leave this much in their mean, as an inverted
# channel does that a lossy coding has blurred; two that have nothing to do with each other leave a half.
_CANCELLED_SHARE = 0.2
# Of many channels that have nothing to do with each other the mean keeps one in so many parts: less than 0.4 of that is
# a cancellation.
_CANCELLED_OF_MANY = 0.4
# Floating-point samples reach 1 at full scale, and recorders of 32-bit float go some decibels beyond. They are integers
# that were never divided where many are beyond this peak and all are whole numbers, or where it is out of any
# recorder's reach (42 dB); a single spike is none.
_MAX_FLOAT_PEAK = 2.0
_MAX_RECORDED_PEAK = 128.0
_MIN_LOUD_SHARE = 0.01
_INTEGER_SCALES = tuple(float(1 << bits) for bits in (15, 23, 31))


@dataclass(frozen=True)
class Mix:
    """How frames become samples.

    Attributes:
        channels: Those that are averaged.
        scale: What samples are divided by.
        notes: Why it is not the mean of all channels, as they are.
    """

    channels: tuple[int, ...]
    scale: float = 1.0
    notes: tuple[ReadingNote, ...] = ()

    def __call__(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n_frames, n_channels) to float32 (n_frames,)."""
        mono = block[:, self.channels[0]]
        # Column by column: numpy's mean of many short rows takes several times as long.
        for channel in self.channels[1:]:
            mono = mono + block[:, channel]
        divisor = len(self.channels) * self.scale
        return mono if divisor == 1.0 else mono / np.float32(divisor)


def plain_mix(n_channels: int) -> Mix:
    """The mean of all channels."""
    return Mix(tuple(range(n_channels)))


def survey(blocks: Iterable[NDArray[np.float32]], n_channels: int, is_float: bool) -> Mix:
    """The mix of a recording, found by reading all of it.

    A channel that holds nothing (a plug half in its socket) would halve the others, channels of which one is the
    other's inverse (a balanced microphone at a stereo input) would be silence: the live ones, or the first of them, are
    taken.

    Args:
        blocks: float32, each (n_frames, n_channels).
        n_channels: Number of channels, at least one.
        is_float: The file keeps floating-point samples, which may be of any scale.
    """
    power = _Power(n_channels, is_float)
    for block in blocks:
        power.add(block)
    if not power.n_frames:
        return plain_mix(n_channels)
    channels, notes = _channels(power)
    scale = 1.0
    if is_float and power.is_of_integers:
        scale = next((one for one in _INTEGER_SCALES if power.peak <= one), _INTEGER_SCALES[-1])
        text = f"floating-point samples reach {power.peak:.6g} where 1 is full scale: they were divided by {scale:.0f}"
        notes.append(ReadingNote("integer_scale", text))
    return Mix(channels, scale, tuple(notes))


class _Power:
    """Sums over a recording: of channels, of their products, and, where that is asked for, how loud it gets."""

    def __init__(self, n_channels: int, has_peak: bool) -> None:
        self._has_peak = has_peak
        self._n_fractions = 0
        self.n_frames = self.n_loud = 0
        self.peak = 0.0
        self._sums = np.zeros(n_channels)
        self._products = np.zeros((n_channels, n_channels))

    def add(self, block: NDArray[np.float32]) -> None:
        self.n_frames += len(block)
        if self._has_peak:
            size = np.abs(block)
            self.n_loud += int(np.count_nonzero(size > 1.0))
            self.peak = max(self.peak, float(size.max()))
            self._n_fractions += int(np.count_nonzero(np.rint(block) != block))
        channels = np.ascontiguousarray(block.T, np.float64)
        self._sums += channels.sum(axis=1)
        self._products += channels @ channels.T

    @property
    def is_of_integers(self) -> bool:
        """Samples that were never divided by full scale."""
        is_beyond = self.peak > _MAX_FLOAT_PEAK and self.n_loud >= _MIN_LOUD_SHARE * self.n_frames * len(self._sums)
        return is_beyond and (self._n_fractions == 0 or self.peak > _MAX_RECORDED_PEAK)

    def covariance(self) -> NDArray[np.float64]:
        """Of the channels, (n_channels, n_channels): an offset is no sound."""
        mean = self._sums / self.n_frames
        return self._products / self.n_frames - np.outer(mean, mean)


def _channels(power: _Power) -> tuple[tuple[int, ...], list[ReadingNote]]:
    covariance = power.covariance()
    own = covariance.diagonal()
    live = np.flatnonzero(own > _DEAD_SHARE * own.max())
    if not len(live):
        return tuple(range(len(own))), []
    notes = []
    if len(live) < len(own):
        dead = ", ".join(str(i + 1) for i in range(len(own)) if i not in live)
        notes.append(ReadingNote("dead_channel", f"channel {dead} of {len(own)} holds nothing: the others were taken"))
    mixed = covariance[np.ix_(live, live)].mean()
    if mixed < min(_CANCELLED_SHARE, _CANCELLED_OF_MANY / len(live)) * own[live].mean():
        text = f"the channels cancel each other: their mean would be silence, channel {live[0] + 1} was taken"
        notes.append(ReadingNote("channels_cancel", text))
        live = live[:1]
    return tuple(int(i) for i in live), notes
