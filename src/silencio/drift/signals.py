"""What is watched: signals by name, with their unit, the direction that matters, and the threshold they stand under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

N_BANDS: Final = 8
AGAINST_PEERS: Final = "_against_peers"
Unit = Literal["db", "share", "ratio", "jsd", "probability"]
Direction = Literal["both", "up", "down"]


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal.

    Attributes:
        name: As drift.json and docs/monitoring.md have it.
        unit: Unit of its effect.
        direction: Direction in which an effect matters.
        threshold: Field of `EffectThresholds` that it stands under.
    """

    name: str
    unit: Unit
    direction: Direction
    threshold: str


FLOOR_BANDS: Final = tuple(f"floor_band_{band}_db" for band in range(1, N_BANDS + 1))
# Of a recording's sound, no model: the mean over its windows.
INPUTS: Final = (
    Signal("level_db", "db", "both", "level_db"),
    Signal("floor_db", "db", "both", "level_db"),
    *(Signal(name, "db", "both", "band_db") for name in FLOOR_BANDS),
    Signal("foreground_db", "db", "both", "level_db"),
    Signal("snr_db", "db", "down", "snr_db"),
    Signal("rolloff_ratio", "ratio", "both", "rolloff_ratio"),
    Signal("flatness", "share", "both", "flatness"),
    Signal("clipped_share", "share", "up", "clipped_share"),
    Signal("silence_share", "share", "up", "silence_share"),
)
EMPTY: Final = Signal("empty_share", "share", "both", "empty_share")
# What a block keeps a value of, in this order.
VALUES: Final = (*INPUTS, EMPTY)
VALUE_INDEX: Final = {signal.name: index for index, signal in enumerate(VALUES)}
# Their block is the median of its recordings: an hour of rain in a night is no other microphone.
MEDIANS: Final = frozenset(
    signal.name for signal in INPUTS if signal.unit in ("db", "ratio") or signal.name == "flatness"
)

MIX: Final = Signal("species_mix_jsd", "jsd", "up", "species_mix_jsd")
SCORE: Final = Signal("score_given_species", "probability", "down", "score_given_species")
PRECISION: Final = Signal("expected_precision", "probability", "down", "expected_precision")
REVIEW: Final = Signal("review_precision", "probability", "down", "review_precision")

DECODE_FAILURES: Final = Signal("decode_failure_share", "share", "up", "decode_failure_share")
CLOCK_FAULTS: Final = Signal("clock_fault_share", "share", "up", "clock_fault_share")
# The share of recordings that changed its kind: half the sum of the shares' differences.
CATEGORIES: Final = {
    "format": Signal("format_share", "share", "up", "client_share"),
    "sample_rate": Signal("sample_rate_share", "share", "up", "client_share"),
    "duration": Signal("duration_share", "share", "up", "client_share"),
    "client": Signal("client_share", "share", "up", "client_share"),
}
ALL_SIGNALS: Final = (*VALUES, MIX, SCORE, PRECISION, REVIEW, DECODE_FAILURES, CLOCK_FAULTS, *CATEGORIES.values())
