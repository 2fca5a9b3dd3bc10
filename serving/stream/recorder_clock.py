"""The clock of the recorder for which the producer stands: by it soundscapes are named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Self

from silencio.errors import ConfigError

SOUNDSCAPE_S = 60.0
# Names tell whole seconds.
_MIN_STEP_S = 1.0
_WEEKS_OF_A_YEAR = 53


@dataclass(frozen=True)
class RecorderClock:
    """A name tells when its recording began; none is there before the recording would have ended.

    Attributes:
        start: When the first recording began, at an offset from UTC that never changes.
        step_s: Seconds from the begin of one to that of the next.
    """

    start: datetime
    step_s: float

    @classmethod
    def of(cls, start: datetime | None, every_s: float, now: datetime, n_soundscapes: int | None = None) -> Self:
        """Make the clock of a producer.

        Args:
            start: Begin of a made-up clock, on which a recording follows the other, however fast they are written;
                without a zone by `winter_time`. None: this machine's, so that the first began a minute ago and the next
                `every_s` later; faster than a name a second, a number of soundscapes are of the last minutes.
            every_s: Seconds from one to the next, as they are written.
            now: The time with a zone.
            n_soundscapes: How many will be written; None: without end.

        Raises:
            ConfigError: `start` lies in the future, or so many minutes are more than there have been.
        """
        clock = winter_time(now)
        if start is not None:
            return cls(_not_in_the_future(start, now.astimezone(clock)), SOUNDSCAPE_S)
        first, step_s = now.astimezone(clock).replace(microsecond=0), max(_MIN_STEP_S, every_s)
        n_past = 1
        if every_s < _MIN_STEP_S and n_soundscapes is not None:
            n_past, step_s = max(1, n_soundscapes), SOUNDSCAPE_S
        try:
            return cls(first - timedelta(seconds=n_past * SOUNDSCAPE_S), step_s)
        except OverflowError as error:
            raise ConfigError(
                f"--n {n_soundscapes}: so many minutes ago no calendar had begun; ask for fewer, or --every-s 1"
            ) from error

    def wait_s(self, number: int, now: datetime) -> float:
        """How long until a recording, the first being 0, would have ended; 0 where it has.

        Args:
            number: The recording's number, from 0.
            now: The time with a zone: on a clock that is put back or forward an hour lasts no hour.
        """
        ends = self.start + timedelta(seconds=number * self.step_s + SOUNDSCAPE_S)
        return max(0.0, (ends - now).total_seconds())


def winter_time(now: datetime) -> timezone:
    """This machine's zone at the least offset from UTC that it has within a year, so without daylight saving.

    A recorder's clock is put neither back nor forward: names of an hour that comes twice would come twice, and on a
    clock that stays in summer they would lie an hour in the future from then on.

    Args:
        now: The time with a zone.
    """
    weeks = ((now + timedelta(weeks=number)).astimezone() for number in range(_WEEKS_OF_A_YEAR))
    return timezone(min(week.utcoffset() or timedelta() for week in weeks))


def _not_in_the_future(start: datetime, now: datetime) -> datetime:
    offset = start.utcoffset()
    begun = start.replace(tzinfo=now.tzinfo if offset is None else timezone(offset))
    if begun > now:
        raise ConfigError(
            f"--start {start.isoformat()} lies in the future: a recorder has recorded what it names, and its clock, "
            f"which knows no daylight saving, says {now.isoformat(timespec='seconds')}"
        )
    return begun
