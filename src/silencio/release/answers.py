"""Answers of a bundle to recordings, and how two bundles' answers to the same recording are laid side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from silencio.detections.merging import merge_windows
from silencio.errors import ReleaseError

# Starts and ends are sums of fractions of a second: closer than this they are the same instant.
_SAME_INSTANT_S = 1e-6


@dataclass(frozen=True, kw_only=True)
class RecordingAnswer:
    """What a bundle answers to one recording.

    Attributes:
        starts_s: The second at which each window begins, rising, (n_windows,).
        window_s: Length of a window.
        probabilities: Calibrated, (n_windows, n_classes).
        detected: Whether the species reaches its threshold (from traffic: whether the answer names it), of that shape.
        duration_s: Length of the recording; None: not known, the last window's end stands for it.
    """

    starts_s: NDArray[np.float64]
    window_s: float
    probabilities: NDArray[np.float32]
    detected: NDArray[np.bool_]
    duration_s: float | None = None

    @property
    def ends_s(self) -> NDArray[np.float64]:
        """The second at which each window ends; what it is padded with behind the recording's end counts not."""
        ends = self.starts_s + self.window_s
        return ends if self.duration_s is None else np.minimum(ends, self.duration_s)

    @property
    def sound_s(self) -> float:
        """Seconds of sound that were answered."""
        return float(self.ends_s[-1])

    @property
    def top_probability(self) -> float:
        """Mean over windows of the most probable species' probability."""
        return float(self.probabilities.max(axis=1).mean())

    def n_detections(self) -> NDArray[np.int64]:
        """Detections by class, (n_classes,): windows of one species that touch are one, as answers have it."""
        merged = merge_windows(self.starts_s.tolist(), self.window_s, self.probabilities, self.detected)
        return np.bincount([one.column for one in merged], minlength=self.detected.shape[1])


@dataclass(frozen=True, kw_only=True)
class BundleAnswers:
    """Answers of one bundle.

    Attributes:
        codes: Its classes, in the order of the columns.
        recordings: Answers by the recording's name.
    """

    codes: tuple[str, ...]
    recordings: Mapping[str, RecordingAnswer]

    @classmethod
    def of(
        cls, codes: Sequence[str], thresholds: Mapping[str, float], scored: Mapping[str, RecordingAnswer]
    ) -> BundleAnswers:
        """With `detected` by the bundle's own thresholds, in double precision as the transformer compares them."""
        limits = np.array([thresholds[code] for code in codes])
        return cls(
            codes=tuple(codes),
            recordings={
                name: RecordingAnswer(
                    starts_s=one.starts_s,
                    window_s=one.window_s,
                    probabilities=one.probabilities,
                    detected=one.probabilities.astype(np.float64) >= limits,
                    duration_s=one.duration_s,
                )
                for name, one in scored.items()
            },
        )


@dataclass(frozen=True, kw_only=True)
class SharedAnswers:
    """What two bundles answer to the same recordings, over the classes that both have.

    Attributes:
        codes: Classes that both have, in the champion's order.
        recordings: Recordings that both answered, in the champion's order.
        champion: Its answers.
        challenger: Its answers.
    """

    codes: tuple[str, ...]
    recordings: tuple[str, ...]
    champion: BundleAnswers
    challenger: BundleAnswers

    @classmethod
    def of(cls, champion: BundleAnswers, challenger: BundleAnswers) -> SharedAnswers:
        """Lay them side by side.

        Raises:
            ReleaseError: They have no class in common: nothing that one answers can be held against the other.
        """
        theirs = set(challenger.codes)
        codes = tuple(code for code in champion.codes if code in theirs)
        if not codes:
            raise ReleaseError(
                f"champion and challenger have no class in common ({len(champion.codes)} and {len(challenger.codes)} "
                "classes): they answer different questions, and one cannot be released in the other's place"
            )
        both = tuple(name for name in champion.recordings if name in challenger.recordings)
        return cls(codes=codes, recordings=both, champion=champion, challenger=challenger)

    def of_recordings(self, recordings: Sequence[str]) -> SharedAnswers:
        """The same, of some of the recordings."""
        return SharedAnswers(
            codes=self.codes, recordings=tuple(recordings), champion=self.champion, challenger=self.challenger
        )

    @cached_property
    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Columns of `codes` in the champion's answers and in the challenger's."""
        return _columns(self.champion.codes, self.codes), _columns(self.challenger.codes, self.codes)

    def pair(self, recording: str) -> tuple[RecordingAnswer, RecordingAnswer]:
        """Both answers, their columns those of `codes`."""
        own, theirs = self.columns
        return (
            _only(self.champion.recordings[recording], own),
            _only(self.challenger.recordings[recording], theirs),
        )


def disagreement(champion: RecordingAnswer, challenger: RecordingAnswer) -> float:
    """Share of a recording's windows whose detected set differs; the same classes in the same columns.

    Bundles of different specifications cut windows differently: then it is the share of time, each moment having the
    species of all windows that it lies in.
    """
    if _same_grid(champion, challenger):
        return float((champion.detected != challenger.detected).any(axis=1).mean())
    borders = np.unique(
        np.round(np.concatenate([champion.starts_s, champion.ends_s, challenger.starts_s, challenger.ends_s]), 6)
    )
    lengths, middles = np.diff(borders), (borders[:-1] + borders[1:]) / 2
    answered = middles < min(champion.sound_s, challenger.sound_s)
    differs = (_at(champion, middles) != _at(challenger, middles)).any(axis=1)
    total = lengths[answered].sum()
    return float(lengths[answered & differs].sum() / total) if total > 0 else 0.0


def is_whole(champion: RecordingAnswer, challenger: RecordingAnswer, *, same_spec: bool) -> bool:
    """Whether both answers are to the same stretch of sound: of a log that is being written, one may still lack rows.

    Args:
        champion: The one.
        challenger: The other.
        same_spec: Whether both bundles cut windows alike.
    """
    if same_spec:
        return _same_grid(champion, challenger)
    return abs(champion.sound_s - challenger.sound_s) <= max(champion.window_s, challenger.window_s)


def nearest_windows(champion: RecordingAnswer, challenger: RecordingAnswer) -> NDArray[np.int64]:
    """By the champion's window, the challenger's whose middle is nearest, (n_windows,)."""
    if _same_grid(champion, challenger):
        return np.arange(len(champion.starts_s))
    own = champion.starts_s + champion.window_s / 2
    theirs = challenger.starts_s + challenger.window_s / 2
    after = np.clip(np.searchsorted(theirs, own), 1, max(len(theirs) - 1, 1))
    if len(theirs) == 1:
        return np.zeros(len(own), np.int64)
    return np.where(own - theirs[after - 1] <= theirs[after] - own, after - 1, after)


def _columns(codes: Sequence[str], chosen: Sequence[str]) -> NDArray[np.int64]:
    at = {code: column for column, code in enumerate(codes)}
    return np.array([at[code] for code in chosen], np.int64)


def _only(answer: RecordingAnswer, columns: NDArray[np.int64]) -> RecordingAnswer:
    return RecordingAnswer(
        starts_s=answer.starts_s,
        window_s=answer.window_s,
        probabilities=answer.probabilities[:, columns],
        detected=answer.detected[:, columns],
        duration_s=answer.duration_s,
    )


def _same_grid(one: RecordingAnswer, other: RecordingAnswer) -> bool:
    return (
        len(one.starts_s) == len(other.starts_s)
        and abs(one.window_s - other.window_s) <= _SAME_INSTANT_S
        and bool(np.allclose(one.starts_s, other.starts_s, rtol=0, atol=_SAME_INSTANT_S))
    )


def _at(answer: RecordingAnswer, moments_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Species of all windows that lie over each moment, (n_moments, n_classes)."""
    # Starts rise and windows are of one length, so those over a moment stand in a row.
    first = np.searchsorted(answer.ends_s, moments_s, side="right")
    last = np.searchsorted(answer.starts_s, moments_s, side="right")
    sums = np.concatenate([np.zeros((1, answer.detected.shape[1]), np.int64), np.cumsum(answer.detected, axis=0)])
    return np.asarray(sums[np.maximum(first, last)] - sums[first] > 0)
