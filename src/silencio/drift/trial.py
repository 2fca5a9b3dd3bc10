"""One test before the correction for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from silencio.drift.document import SignalChange
from silencio.drift.policy import DriftPolicy
from silencio.drift.signals import AGAINST_PEERS, ALL_SIGNALS, Signal

_BY_NAME = {signal.name: signal for signal in ALL_SIGNALS}


@dataclass(frozen=True)
class Trial:
    """One signal of a device, or of the site.

    Attributes:
        signal: What is tested.
        device_id: None for the site.
        effect: In the signal's unit.
        spread: Standard deviation of what the reference's own days have.
        p: Probability by the test.
        n_recordings: Recordings of the day.
        n_reference: Recordings of the reference.
        reference: Value there.
        current: Value now.
        threshold: Effect from which on it matters, spread included.
        suffix: End of the name: `AGAINST_PEERS`, or nothing.
        may_alarm: False where another condition of the signal does not hold.
    """

    signal: Signal
    device_id: str | None
    effect: float
    spread: float
    p: float
    n_recordings: int
    n_reference: int
    reference: float
    current: float
    threshold: float
    suffix: str = ""
    may_alarm: bool = True

    @property
    def name(self) -> str:
        """As drift.json has it."""
        return self.signal.name + self.suffix

    @property
    def is_beyond(self) -> bool:
        """Whether the effect matters."""
        return size_in(self.name, self.effect, self.threshold) >= 1.0

    def change(self, q: float, *, alarm: bool) -> SignalChange:
        """As drift.json has it."""
        return SignalChange(
            signal=self.name,
            device_id=self.device_id,
            day_part="all",
            n_recordings=self.n_recordings,
            n_reference=self.n_reference,
            reference=round(self.reference, 5),
            current=round(self.current, 5),
            effect=round(self.effect, 5),
            unit=self.signal.unit,
            threshold=round(self.threshold, 5),
            p=self.p,
            q=q,
            alarm=alarm,
        )


def threshold_of(signal: Signal, spread: float, policy: DriftPolicy) -> float:
    """The policy's, or where the reference's own days stray so far, so many of their standard deviations."""
    return max(float(getattr(policy.effects, signal.threshold)), policy.min_day_spreads * spread)


def size_in(name: str, effect: float, threshold: float) -> float:
    """Effect over its threshold; 0 in a direction that does not matter."""
    direction = _BY_NAME[name.removesuffix(AGAINST_PEERS)].direction
    signed = abs(effect) if direction == "both" else effect if direction == "up" else -effect
    return max(0.0, signed / threshold) if threshold > 0 else 0.0
