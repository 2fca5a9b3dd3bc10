"""The clock of the recorder for which the producer stands: by it soundscapes are named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from silencio.errors import ConfigError

SOUNDSCAPE_S = 60.0
# Names tell whole seconds.
_MIN_STEP_S = 1.0


@dataclass(frozen=True)
class RecorderClock:
    """A name tells when its recording began; none is there before the recording would have ended.

    Attributes:
        start: When the first recording began; local time of this machine, or with a zone.
        step_s: From the begin of one to that of the next.
    """

    start: datetime
    step_s: float

    @classmethod
    def of(cls, start: datetime | None, every_s: float, now: datetime) -> Self:
        """The clock that was asked for.

        Args:
            start: Of a clock that is made up, on which a recording follows the other, however fast they are written.
                None: this machine's, so that the first began a minute ago and the next `every_s` later.
            every_s: From one to the next, as they are written.
            now: This machine's time, in the zone of `start` where it has one.

        Raises:
            ConfigError: `start` lies in the future.
        """
        if start is None:
            return cls(now.replace(microsecond=0) - timedelta(seconds=SOUNDSCAPE_S), max(_MIN_STEP_S, every_s))
        if start > now:
            raise ConfigError(f"--start {start.isoformat()} lies in the future: a recorder has recorded what it names")
        return cls(start, SOUNDSCAPE_S)

    def wait_s(self, number: int, now: datetime) -> float:
        """How long until a recording, the first being 0, would have ended; 0 where it has."""
        ends = self.start + timedelta(seconds=number * self.step_s + SOUNDSCAPE_S)
        return max(0.0, (ends - now).total_seconds())
