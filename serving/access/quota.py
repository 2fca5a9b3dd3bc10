"""How often a key may send requests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class TokenBucket:
    """A token bucket: it fills at a steady rate up to the burst, and every request takes one token out.

    `limits` (PyPI) has windows only, no bucket and no clock of ours.

    Attributes:
        n_tokens: Tokens in it at `filled_at_s`.
        filled_at_s: Time of the last `take`, by its clock.
    """

    n_tokens: float
    filled_at_s: float

    def take(self, now_s: float, per_minute: float, burst: int) -> float:
        """Take a token out if there is one.

        Args:
            now_s: Time by a clock that never goes back.
            per_minute: Tokens that come in a minute.
            burst: The most that it holds.

        Returns:
            Seconds until there is a token; 0 if one was taken.
        """
        came = (now_s - self.filled_at_s) * per_minute / 60.0
        self.n_tokens = min(float(burst), self.n_tokens + came)
        self.filled_at_s = now_s
        if self.n_tokens >= 1.0:
            self.n_tokens -= 1.0
            return 0.0
        return (1.0 - self.n_tokens) * 60.0 / per_minute
